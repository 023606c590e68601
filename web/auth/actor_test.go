package auth

import (
	"net/http/httptest"
	"testing"
)

func TestClientsAreNamed(t *testing.T) {
	for _, c := range []struct{ authorization, agent, command, want string }{
		{"", "Mozilla/5.0", "", "portal"},
		{"Bearer x", "AZURECLI/2.45.0 (DEB) azsdk-python-azure-mgmt-containerregistry/10.0.0 Python/3.11.2", "acr webhook create", "az acr webhook create"},
		{"Bearer x", "AZURECLI/2.45.0 (DEB)", "acr\" onload=x", "az"},
		{"Bearer x", "azsdk-go-armcontainerregistry/v1.2.0 (go1.26; linux)", "acr webhook create", "Go SDK"},
		{"Bearer x", "HashiCorp Terraform/1.9 (+https://www.terraform.io) azurerm/4", "", "Terraform"},
		{"Bearer x", "dockbell/1.0", "", "dockbell"},
		{"Basic x", "docker/27.3.1 go/go1.22.7", "", "docker"},
		{"Bearer x", "<script>", "", "API"},
		{"Bearer x", "", "", "API"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", c.authorization)
		if c.authorization == "" {
			r.Header.Del("Authorization")
		}
		r.Header.Set("User-Agent", c.agent)
		r.Header.Set("CommandName", c.command)
		if got := clientOf(r); got != c.want {
			t.Errorf("%q with %q is %q, want %q", c.agent, c.command, got, c.want)
		}
	}
}
