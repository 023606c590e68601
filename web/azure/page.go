package azure

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strings"

	"github.com/labstack/echo/v4"
)

// pageSize is how many resources a page has.
const pageSize = 100

// skipToken is the query parameter that says where a page begins.
const skipToken = "$skipToken"

// nextLink is the address of the page after token: absolute, because clients follow it as it is, with GET.
func (d *Door) nextLink(c echo.Context, token string) string {
	query := c.Request().URL.Query()
	query.Set(skipToken, base64.RawURLEncoding.EncodeToString([]byte(token)))
	return d.Base(c.Request()) + c.Request().URL.EscapedPath() + "?" + query.Encode()
}

// tokenOf is where the page that c asks for begins: after what was last on the page before; "" for the first page.
func tokenOf(c echo.Context) (string, error) {
	query, err := url.ParseQuery(c.Request().URL.RawQuery)
	given := query.Get(skipToken)
	token, decoding := base64.RawURLEncoding.DecodeString(given)
	if err != nil || decoding != nil {
		return "", refuse(http.StatusBadRequest, "InvalidSkipToken", skipToken, "The $skipToken is none that this API gave. Follow a nextLink as it is.")
	}
	return string(token), nil
}

// sortByKey brings resources into the order of their keys.
func sortByKey[T any](all []T, key func(T) string) {
	slices.SortFunc(all, func(a, b T) int { return strings.Compare(key(a), key(b)) })
}

// answerPage answers with the page that c asks for of all resources, which are in the order of their keys.
func answerPage[T any](d *Door, c echo.Context, all []T, key func(T) string) error {
	after, err := tokenOf(c)
	if err != nil {
		return err
	}
	if after != "" {
		all = all[sort.Search(len(all), func(i int) bool { return key(all[i]) > after }):]
	}
	page := list[T]{Value: all}
	if len(all) > pageSize {
		page.Value = all[:pageSize]
		page.NextLink = d.nextLink(c, key(page.Value[pageSize-1]))
	}
	if page.Value == nil {
		page.Value = []T{}
	}
	return c.JSON(http.StatusOK, page)
}
