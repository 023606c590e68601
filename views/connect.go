package views

import (
	"encoding/json"
	"strings"
)

// Connect is what clients need to know of this installation. Secure is empty without HTTPS, which Azure's clients insist on.
type Connect struct {
	Secure      string // base of the Azure doors
	Plain       string // base under which this page is known
	Suffix      string // of login servers
	Tenant      string // GUID
	OwnCA       bool   // the certificate is of our own CA
	Fingerprint string // SHA-256 of that CA
	Registry    string // one there is, for the examples
	LoginServer string
	User        string
}

// lines puts the lines of a command together.
func lines(all ...string) string { return strings.Join(all, "\n") }

func (c Connect) trust() string {
	quiet := ""
	if strings.HasPrefix(c.Plain, "https://") {
		quiet = "k" // the CA is what we fetch; the fingerprint below the command proves it
	}
	return lines(
		"curl -fsS"+quiet+"o dockbell-ca.pem "+c.Plain+"/ca.pem",
		`export REQUESTS_CA_BUNDLE="$PWD/dockbell-ca.pem"`,
	)
}

func (c Connect) register() string {
	return lines(
		"az cloud register --name Dockbell --endpoint-resource-manager "+c.Secure+" --suffix-acr-login-server-endpoint "+c.Suffix,
		"az cloud set --name Dockbell",
	)
}

func (c Connect) fromFile() string {
	return lines("az cloud register --name Dockbell --cloud-config @dockbell-cloud.json", "az cloud set --name Dockbell")
}

func (c Connect) program() string {
	return "az login --service-principal -u <clientId> -p <clientSecret> --tenant " + c.Tenant
}

func (c Connect) identity() string {
	return lines(`export MSI_ENDPOINT="`+c.Secure+`/msi/token?key=<token>"`, "az login --identity")
}

func (c Connect) webhooks() string {
	r := " --registry " + c.Registry + " --name myacrwebhook01"
	return lines(
		"az acr webhook create"+r+" --actions push delete --uri https://example.com/hook",
		"az acr webhook ping"+r,
		"az acr webhook list-events"+r+" --output table",
	)
}

func (c Connect) sdk() string {
	all := []string{
		"export AZURE_AUTHORITY_HOST=" + c.Secure + "/", "export AZURE_TENANT_ID=adfs",
		"export AZURE_CLIENT_ID=<clientId>", "export AZURE_CLIENT_SECRET=<clientSecret>",
	}
	if c.OwnCA {
		all = append(all, `export SSL_CERT_FILE="$PWD/dockbell-ca.pem"`)
	}
	return lines(all...)
}

func (c Connect) registries() string {
	return lines(
		"docker login "+c.LoginServer+" -u "+c.User,
		"crane auth login "+c.LoginServer+" -u "+c.User+" -p <password>",
		"oras login "+c.LoginServer+" -u "+c.User,
		"helm registry login "+c.LoginServer+" -u "+c.User,
	)
}

// Cloud is the file that az cloud register takes in place of what it would find out itself.
func (c Connect) Cloud() ([]byte, error) {
	return json.MarshalIndent(map[string]map[string]string{
		"endpoints": {
			"resourceManager": c.Secure, "activeDirectory": c.Secure + "/adfs",
			"activeDirectoryResourceId": c.Secure + "/", "activeDirectoryGraphResourceId": c.Secure + "/",
		},
		"suffixes": {"acrLoginServerEndpoint": c.Suffix},
	}, "", "  ")
}
