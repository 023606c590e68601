package azure

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/labstack/echo/v4"

	"dockbell/models/registry"
)

// cloud tells az where things are: the object of api-version 2015-01-01, which az cloud register reads.
type cloud struct {
	Gallery        string         `json:"galleryEndpoint"`
	Graph          string         `json:"graphEndpoint"`
	Portal         string         `json:"portalEndpoint"`
	Authentication authentication `json:"authentication"`
}

type authentication struct {
	Login     string   `json:"loginEndpoint"`
	Audiences []string `json:"audiences"`
	Tenant    string   `json:"tenant,omitempty"`
	Provider  string   `json:"identityProvider,omitempty"`
}

// cloud2019 is the same as api-version 2019-05-01 has it, in a list of clouds: for ARM_CLOUD_METADATA_URL.
type cloud2019 struct {
	Name            string            `json:"name"`
	Portal          string            `json:"portal"`
	Gallery         string            `json:"gallery"`
	Graph           string            `json:"graph"`
	GraphAudience   string            `json:"graphAudience"`
	ResourceManager string            `json:"resourceManager"`
	Media           string            `json:"media"`
	SQLManagement   string            `json:"sqlManagement"`
	Batch           string            `json:"batch"`
	Authentication  authentication    `json:"authentication"`
	Suffixes        map[string]string `json:"suffixes"`
}

var firstVersions = regexp.MustCompile(`^201[5-8]-`)

// endpoints answers GET /metadata/endpoints, before anybody has signed in.
func (s *SignIn) endpoints(c echo.Context) error {
	base := s.Base(c.Request())
	root := base + "/"
	how := authentication{Login: base + "/adfs", Audiences: []string{root}}
	if v := c.QueryParam("api-version"); v == "" || firstVersions.MatchString(v) {
		return c.JSON(http.StatusOK, cloud{Gallery: root, Graph: root, Portal: s.Pages(c.Request()) + "/", Authentication: how})
	}
	how.Tenant, how.Provider = "adfs", "ADFS"
	return c.JSON(http.StatusOK, []cloud2019{{
		Name: "Dockbell", Portal: s.Pages(c.Request()) + "/", Gallery: root, Graph: root, GraphAudience: root, ResourceManager: root,
		Media: root, SQLManagement: root, Batch: root, Authentication: how,
		Suffixes: map[string]string{"acrLoginServer": registry.LoginServerSuffix(strings.TrimPrefix(base, "https://"))},
	}})
}

// openID is the part of an OpenID configuration that clients read.
type openID struct {
	Issuer       string   `json:"issuer"`
	Authorize    string   `json:"authorization_endpoint"`
	Token        string   `json:"token_endpoint"`
	Device       string   `json:"device_authorization_endpoint"`
	Types        []string `json:"response_types_supported"`
	Modes        []string `json:"response_modes_supported"`
	Grants       []string `json:"grant_types_supported"`
	Challenges   []string `json:"code_challenge_methods_supported"`
	ClientProofs []string `json:"token_endpoint_auth_methods_supported"`
	Subjects     []string `json:"subject_types_supported"`
	Algorithms   []string `json:"id_token_signing_alg_values_supported"`
	Scopes       []string `json:"scopes_supported"`
}

// configuration is what MSAL asks for first; az keeps it for a day.
func (s *SignIn) configuration(c echo.Context) error {
	return c.JSON(http.StatusOK, s.openID(c, s.issuer(c)))
}

// tenantConfiguration answers for a tenant by name: az takes the tenant's id out of the issuer.
func (s *SignIn) tenantConfiguration(c echo.Context) error {
	return c.JSON(http.StatusOK, s.openID(c, s.Base(c.Request())+"/"+s.SignIns.Tenant+"/"))
}

func (s *SignIn) openID(c echo.Context, issuer string) openID {
	at := s.issuer(c) + "/oauth2/"
	return openID{
		Issuer: issuer, Authorize: at + "authorize", Token: at + "token", Device: at + "devicecode",
		Types: []string{"code"}, Modes: []string{"query"}, Grants: grantTypes, Challenges: []string{"S256"},
		ClientProofs: []string{"client_secret_post", "client_secret_basic", "none"}, Subjects: []string{"public"}, Algorithms: []string{"HS256"},
		Scopes: []string{"openid", "profile", "offline_access"},
	}
}
