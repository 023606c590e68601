package azure

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"dockbell/models/delivery"
	"dockbell/models/payload"
	"dockbell/models/webhook"
)

// maxContent is how many characters of an answer's body are listed: Azure's number.
const maxContent = 4096

type eventJSON struct {
	Request  eventRequest   `json:"eventRequestMessage"`
	Response *eventResponse `json:"eventResponseMessage,omitempty"` // absent before the first answer
	ID       string         `json:"id"`
}

type eventRequest struct {
	Content    json.RawMessage   `json:"content"`
	Headers    map[string]string `json:"headers"`
	Method     string            `json:"method"`
	RequestURI string            `json:"requestUri"`
	Version    string            `json:"version"`
}

type eventResponse struct {
	Content      string            `json:"content,omitempty"`
	Headers      map[string]string `json:"headers,omitempty"`
	ReasonPhrase string            `json:"reasonPhrase,omitempty"`
	StatusCode   string            `json:"statusCode,omitempty"` // a text: a number breaks typed clients
	Version      string            `json:"version,omitempty"`
}

// listEvents lists what was sent to a webhook and what came back, newest first. A delivery of several attempts shows its last.
func (d *Door) listEvents(c echo.Context) error {
	r, w, err := d.hookOf(c)
	if err != nil {
		return err
	}
	token, err := tokenOf(c)
	if err != nil {
		return err
	}
	before, err := strconv.ParseInt(token, 10, 64)
	if token != "" && (err != nil || before <= 0) {
		return refuse(http.StatusBadRequest, "InvalidSkipToken", skipToken, "The $skipToken is none that this API gave. Follow a nextLink as it is.")
	}
	ctx := c.Request().Context()
	page, err := d.History.Deliveries(ctx, delivery.Filter{Registry: r.Name, WebhookID: w.ID, Before: delivery.ID(before), Limit: pageSize})
	if err != nil {
		return err
	}
	answer := list[eventJSON]{Value: []eventJSON{}}
	for _, del := range page.Deliveries {
		ev, err := d.eventJSON(ctx, w, del)
		if err != nil {
			return err
		}
		answer.Value = append(answer.Value, ev)
	}
	if n := len(page.Deliveries); page.Older && n > 0 {
		answer.NextLink = d.nextLink(c, page.Deliveries[n-1].ID.String())
	}
	return c.JSON(http.StatusOK, answer)
}

func (d *Door) eventJSON(ctx context.Context, w webhook.Webhook, del delivery.Delivery) (eventJSON, error) {
	ev, err := d.History.Event(ctx, del.Registry, del.EventID)
	if err != nil {
		return eventJSON{}, err
	}
	ev.Action = del.Action
	content, err := payload.Azure.Encode(ev)
	if err != nil {
		return eventJSON{}, err
	}
	attempts, err := d.History.Attempts(ctx, del.ID)
	if err != nil {
		return eventJSON{}, err
	}
	listed := eventJSON{ID: string(del.EventID), Request: eventRequest{
		Content: content, Headers: map[string]string{}, Method: http.MethodPost, RequestURI: withPath(w.ServiceURI.Masked()), Version: "1.1",
	}}
	if n := len(attempts); n > 0 {
		last := attempts[n-1]
		listed.Request.Headers, listed.Request.RequestURI = headerMap(asked(last.RequestHeaders)), withPath(last.RequestURI)
		listed.Response = responseOf(last)
	}
	return listed, nil
}

// withPath writes an address as Azure lists it: one without a path has a slash.
func withPath(address string) string {
	scheme, rest, _ := strings.Cut(address, "://")
	end := strings.IndexAny(rest, "/?")
	switch {
	case end < 0:
		return address + "/"
	case rest[end] == '?':
		return scheme + "://" + rest[:end] + "/" + rest[end:]
	}
	return address
}

// asked are the headers that Azure lists of a request: not those that every request has, unless the webhook set its own, whose
// values are masked.
func asked(lines []delivery.Header) []delivery.Header {
	return slices.DeleteFunc(slices.Clone(lines), func(h delivery.Header) bool {
		everywhere := strings.EqualFold(h.Name, "Host") || strings.EqualFold(h.Name, "User-Agent")
		return everywhere && h.Value != webhook.Masked
	})
}

// responseOf is what came back. A timeout is listed as 504, as in Azure; another attempt without an answer has its word in
// place of the reason phrase, and no status.
func responseOf(a delivery.Attempt) *eventResponse {
	switch {
	case a.Status != 0:
		return &eventResponse{
			Content: firstCharacters(a.ResponseBody), Headers: headerMap(a.ResponseHeaders), ReasonPhrase: a.StatusText,
			StatusCode: strconv.Itoa(a.Status), Version: strings.TrimPrefix(a.Proto, "HTTP/"),
		}
	case a.Cause.Timeout():
		return &eventResponse{StatusCode: strconv.Itoa(http.StatusGatewayTimeout)}
	default:
		return &eventResponse{ReasonPhrase: a.Cause.Word()}
	}
}

// firstCharacters cuts a body as Azure does.
func firstCharacters(body []byte) string {
	text := []rune(strings.ToValidUTF8(string(body), "\uFFFD"))
	return string(text[:min(len(text), maxContent)])
}

// headerMap puts header lines of one name together (RFC 9110, 5.3).
func headerMap(lines []delivery.Header) map[string]string {
	all := map[string]string{}
	for _, h := range lines {
		if have, twice := all[h.Name]; twice {
			h.Value = have + ", " + h.Value
		}
		all[h.Name] = h.Value
	}
	return all
}
