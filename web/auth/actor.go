package auth

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/labstack/echo/v4"

	"dockbell/models/audit"
)

// attributed lets everything that a request changes be recorded with who makes it and with which client.
func attributed(c echo.Context) {
	p, ok := PrincipalOf(c.Request().Context())
	if !ok {
		return
	}
	r := c.Request()
	actor := audit.Actor{Kind: string(p.Kind), ID: p.ID, Name: p.Name, Client: clientOf(r), Addr: c.RealIP()}
	c.SetRequest(r.WithContext(audit.By(r.Context(), actor)))
}

// clients are what User-Agent headers of known clients hold, in the order in which they are looked for: az's holds its SDK's too.
var clients = []struct{ mark, name string }{
	{"AZURECLI/", "az"}, {"Terraform", "Terraform"}, {"pulumi", "Pulumi"}, {"AzurePowershell", "PowerShell"},
	{"azsdk-go-", "Go SDK"}, {"azsdk-python-", "Python SDK"}, {"azsdk-net-", ".NET SDK"}, {"azsdk-java-", "Java SDK"}, {"azsdk-js-", "JavaScript SDK"},
}

var (
	commandRule = regexp.MustCompile(`^[a-z][a-z -]{0,60}\z`)
	productRule = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]{0,39}`)
)

// clientOf names the client of a request: what a browser sends comes without an Authorization header.
func clientOf(r *http.Request) string {
	agent := r.UserAgent()
	if r.Header.Get(echo.HeaderAuthorization) == "" {
		return "portal"
	}
	for _, c := range clients {
		if !strings.Contains(agent, c.mark) {
			continue
		}
		if command := r.Header.Get("CommandName"); c.name == "az" && commandRule.MatchString(command) {
			return "az " + command
		}
		return c.name
	}
	if product := productRule.FindString(agent); product != "" {
		return product
	}
	return "API"
}
