package azure_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"dockbell/models/account"
	"dockbell/models/store/storetest"
	"dockbell/web"
	"dockbell/web/auth"
	"dockbell/web/azure"
)

const (
	azCLI    = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
	word     = "four words of a quay"
	verifier = "a-verifier-of-forty-three-signs-or-more-than-that"
)

// lobby is the house with both of Azure's doors on one listener: where clients sign in, and where they go then.
type lobby struct {
	*house
	signIns *account.SignIns
	mei     account.User
	program account.Issued
}

func newLobby(t *testing.T) *lobby {
	t.Helper()
	l := &lobby{house: newHouse(t)}
	var err error
	l.signIns = &account.SignIns{Service: l.accounts, Grants: l.db, Codes: l.db, Key: storetest.Key, Tenant: l.door.Tenancy.Tenant}
	l.mei, err = l.accounts.CreateUser(t.Context(), account.UserDraft{Name: "mei.lin", Password: word, Role: "owner"})
	l.must(err)
	l.program, err = l.accounts.IssueToken(t.Context(), account.TokenDraft{Name: "ci", Role: "contributor"}, "mei.lin")
	l.must(err)
	cr := auth.Credentials{Prover: l.signIns, Limits: &auth.Limits{Now: l.Now}}
	l.door.Credentials = cr
	base := func(*http.Request) string { return l.url }
	door := &azure.SignIn{SignIns: l.signIns, Credentials: cr, Base: base, Pages: base}
	srv := httptest.NewServer(web.New(web.Options{
		Log: slog.New(slog.NewTextHandler(l.log, nil)), Ready: l.db.Ping, NewID: uuid.NewString, Now: l.Now,
	}, web.Doors{l.door, door}))
	t.Cleanup(srv.Close)
	l.url = srv.URL
	return l
}

// ask sends a request without following where it leads, with headers given as names and values in turn.
func (l *lobby) ask(method, path string, form url.Values, head ...string) *reply {
	l.t.Helper()
	r, err := http.NewRequestWithContext(l.t.Context(), method, l.url+path, strings.NewReader(form.Encode()))
	l.must(err)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(head); i += 2 {
		r.Header.Set(head[i], head[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	l.must(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	l.must(err)
	return &reply{t: l.t, what: method + " " + r.URL.Path, resp: resp, body: string(text)}
}

// pairs makes a form of names and values in turn.
func pairs(list ...string) url.Values {
	form := url.Values{}
	for i := 0; i+1 < len(list); i += 2 {
		form.Set(list[i], list[i+1])
	}
	return form
}

func (l *lobby) token(list ...string) *reply {
	l.t.Helper()
	return l.ask(http.MethodPost, "/adfs/oauth2/token", pairs(list...))
}

// tokens are what a client reads of an answer.
type tokens struct {
	Type    string `json:"token_type"`
	Expires int    `json:"expires_in"`
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	ID      string `json:"id_token"`
	Scope   string
}

func (l *lobby) given(r *reply) tokens {
	l.t.Helper()
	var got tokens
	r.status(http.StatusOK).into(&got)
	if !strings.EqualFold(got.Type, "bearer") || got.Expires != 3600 || got.Access == "" || got.Scope != "" {
		l.t.Fatalf("%s: %s", r.what, r.body)
	}
	if store := r.resp.Header.Get("Cache-Control"); store != "no-store" {
		l.t.Errorf("%s: Cache-Control is %q", r.what, store)
	}
	return got
}

// opens tries a token at the management API.
func (l *lobby) opens(token string, want int) {
	l.t.Helper()
	(&client{h: l.house, bearer: token, head: http.Header{}}).get("/subscriptions").status(want)
}

// denies wants a refusal in OAuth's shape.
func (r *reply) denies(status int, name string) *reply {
	r.t.Helper()
	r.status(status)
	var body struct {
		Error       string
		Description string `json:"error_description"`
	}
	r.into(&body)
	if body.Error != name || body.Description == "" {
		r.t.Errorf("%s: %s, want %s", r.what, r.body, name)
	}
	return r
}

func TestDiscovery(t *testing.T) {
	l := newLobby(t)
	for _, path := range []string{"/metadata/endpoints?api-version=2015-01-01", "//metadata/endpoints?api-version=2015-01-01", "/metadata/endpoints"} {
		r := l.ask(http.MethodGet, path, nil).status(200)
		r.says("authentication.loginEndpoint", l.url+"/adfs").says("authentication.audiences.0", l.url+"/").says("graphEndpoint", l.url+"/").says("portalEndpoint", l.url+"/")
	}
	r := l.ask(http.MethodGet, "/metadata/endpoints?api-version=2019-05-01", nil).status(200)
	r.says("0.name", "Dockbell").says("0.resourceManager", l.url+"/").says("0.authentication.loginEndpoint", l.url+"/adfs").says("0.authentication.identityProvider", "ADFS")
	for path, issuer := range map[string]string{
		"/adfs/.well-known/openid-configuration":          l.url + "/adfs",
		"/ADFS/.well-known/openid-configuration":          l.url + "/adfs",
		"/adfs/dockbell/.well-known/openid-configuration": l.url + "/" + l.door.Tenancy.Tenant + "/",
	} {
		r := l.ask(http.MethodGet, path, nil).status(200).says("issuer", issuer)
		r.says("authorization_endpoint", l.url+"/adfs/oauth2/authorize").says("token_endpoint", l.url+"/adfs/oauth2/token").says("device_authorization_endpoint", l.url+"/adfs/oauth2/devicecode")
	}
	l.ask(http.MethodGet, "/adfs/nowhere", nil).denies(404, "not_found")
	l.ask(http.MethodGet, "/adfs/oauth2/token", nil).denies(405, "invalid_request")
}

func TestClientCredentials(t *testing.T) {
	l := newLobby(t)
	id, secret := l.program.Token.ClientID, l.program.ClientSecret
	got := l.given(l.token("client_id", id, "grant_type", "client_credentials", "client_secret", secret, "client_info", "1", "scope", "https://x//.default"))
	if got.Refresh != "" || got.ID != "" {
		t.Errorf("a program gets %+v", got)
	}
	l.opens(got.Access, 200)
	l.given(l.token("client_id", strings.ToUpper(id), "grant_type", "client_credentials", "client_secret", secret))
	l.given(l.ask(http.MethodPost, "/adfs/oauth2/token", pairs("grant_type", "client_credentials"), "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(id+":"+secret))))
	for name, list := range map[string][]string{
		"a wrong secret": {"client_id", id, "client_secret", "wrong"}, "no secret": {"client_id", id}, "no client": {"client_secret", secret},
		"an unknown client": {"client_id", uuid.NewString(), "client_secret", secret}, "a person": {"client_id", "mei.lin", "client_secret", word},
		"an assertion": {"client_id", id, "client_assertion", "e30.e30.x", "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	} {
		r := l.token(append(list, "grant_type", "client_credentials")...).denies(401, "invalid_client")
		if !strings.HasPrefix(r.resp.Header.Get("WWW-Authenticate"), "Bearer authorization_uri=") {
			t.Errorf("%s: the challenge is %q", name, r.resp.Header.Get("WWW-Authenticate"))
		}
	}
	l.wait(59 * time.Minute)
	l.opens(got.Access, 200)
	l.wait(time.Minute)
	l.opens(got.Access, 401)
	again := l.given(l.token("client_id", id, "grant_type", "client_credentials", "client_secret", secret))
	l.must(l.accounts.RevokeToken(t.Context(), id))
	l.opens(again.Access, 401)
}

func TestPasswordAndRefresh(t *testing.T) {
	l := newLobby(t)
	got := l.given(l.token("client_id", azCLI, "grant_type", "password", "username", "MEI.LIN", "password", word, "scope", "openid"))
	body, err := base64.RawURLEncoding.DecodeString(strings.Split(got.ID, ".")[1])
	l.must(err)
	var id map[string]any
	l.must(json.Unmarshal(body, &id))
	if id["tid"] != l.door.Tenancy.Tenant || id["aud"] != azCLI || id["preferred_username"] != "mei.lin" || id["exp"] == nil || id["iss"] != l.url+"/adfs" {
		t.Errorf("the id token says %v", id)
	}
	l.opens(got.Access, 200)
	l.opens(got.ID, 401)
	l.opens(got.Refresh, 401)
	next := l.given(l.token("client_id", azCLI, "grant_type", "refresh_token", "refresh_token", got.Refresh))
	l.wait(time.Minute)
	l.token("client_id", azCLI, "grant_type", "refresh_token", "refresh_token", got.Refresh).denies(401, "invalid_grant")
	l.opens(next.Access, 401) // the copy ended the whole sign-in
	for _, list := range [][]string{
		{"username", "mei.lin", "password", "wrong"}, {"username", "nobody", "password", word}, {"username", l.program.Token.ClientID, "password", l.program.ClientSecret}, {},
	} {
		l.token(append(list, "client_id", azCLI, "grant_type", "password")...).denies(401, "invalid_grant")
	}
}

// TestGuessesCountAsAtTheSignInPage: the sixth try in a minute is not even tried, right or wrong.
func TestGuessesCountAsAtTheSignInPage(t *testing.T) {
	l := newLobby(t)
	for range 5 {
		l.token("client_id", azCLI, "grant_type", "password", "username", "mei.lin", "password", "guess").denies(401, "invalid_grant")
	}
	r := l.token("client_id", azCLI, "grant_type", "password", "username", "mei.lin", "password", word).denies(429, "temporarily_unavailable")
	if wait, err := strconv.Atoi(r.resp.Header.Get("Retry-After")); err != nil || wait < 1 || wait > 120 {
		t.Errorf("Retry-After is %q", r.resp.Header.Get("Retry-After"))
	}
	l.wait(2 * time.Minute)
	l.given(l.token("client_id", azCLI, "grant_type", "password", "username", "mei.lin", "password", word))
}

func TestDeviceFlow(t *testing.T) {
	l := newLobby(t)
	var d struct {
		Device   string `json:"device_code"`
		User     string `json:"user_code"`
		Page     string `json:"verification_uri"`
		Message  string
		Interval int
	}
	l.ask(http.MethodPost, "/adfs/oauth2/devicecode", pairs("client_id", azCLI, "scope", "openid")).status(200).into(&d)
	if d.Page != l.url+"/device" || !strings.Contains(d.Message, d.User) || d.Interval != 5 {
		t.Errorf("%+v", d)
	}
	poll := func() *reply {
		return l.token("client_id", azCLI, "grant_type", "urn:ietf:params:oauth:grant-type:device_code", "device_code", d.Device)
	}
	poll().denies(400, "authorization_pending")
	poll().denies(400, "slow_down")
	_, err := l.signIns.AnswerDevice(t.Context(), d.User, l.mei.ID, true)
	l.must(err)
	l.wait(10 * time.Second)
	got := l.given(poll())
	l.opens(got.Access, 200)
	l.wait(10 * time.Second)
	poll().denies(401, "invalid_grant")
	l.ask(http.MethodPost, "/adfs/oauth2/devicecode", pairs("client_id", azCLI)).status(200).into(&d)
	l.wait(15 * time.Minute)
	poll().denies(400, "expired_token")
	l.ask(http.MethodPost, "/adfs/oauth2/devicecode", pairs()).denies(400, "invalid_request")
}

// authorize asks for the page as az does, with changes given as names and values in turn; "" takes a field away.
func (l *lobby) authorize(changes ...string) *reply {
	l.t.Helper()
	sum := sha256.Sum256([]byte(verifier))
	query := pairs("client_id", azCLI, "response_type", "code", "redirect_uri", "http://localhost:8400", "scope", "openid", "state", "s-1", "nonce", "n-1",
		"code_challenge", base64.RawURLEncoding.EncodeToString(sum[:]), "code_challenge_method", "S256", "prompt", "select_account")
	for name, values := range pairs(changes...) {
		if query[name] = values; values[0] == "" {
			query.Del(name)
		}
	}
	return l.ask(http.MethodGet, "/adfs/oauth2/authorize?"+query.Encode(), nil)
}

func TestBrowserFlow(t *testing.T) {
	l := newLobby(t)
	to, err := url.Parse(l.authorize().status(303).resp.Header.Get("Location"))
	l.must(err)
	if to.Path != "/authorize" || to.Host != "" || auth.Next(to.RequestURI()) != to.RequestURI() {
		t.Fatalf("the browser is led to %s, to which no sign-in leads back", to)
	}
	back, err := l.signIns.AnswerBrowser(t.Context(), to.Query().Get("request"), l.mei.ID, true)
	l.must(err)
	to, err = url.Parse(back)
	l.must(err)
	redeem := func(redirect string) *reply {
		return l.token("client_id", azCLI, "grant_type", "authorization_code", "code", to.Query().Get("code"), "redirect_uri", redirect, "code_verifier", verifier)
	}
	got := l.given(redeem("http://localhost:8400"))
	l.opens(got.Access, 200)
	redeem("http://localhost:8400").denies(401, "invalid_grant")
	l.opens(got.Access, 401)
}

func TestBrowsersAreNotLedAstray(t *testing.T) {
	l := newLobby(t)
	for _, redirect := range []string{"https://evil.test", "http://evil.test", "http://localhost.evil.test", "http://localhost@evil.test", "", "//evil.test", "https://localhost"} {
		if r := l.authorize("redirect_uri", redirect).status(400); r.resp.Header.Get("Location") != "" || !strings.Contains(r.body, "this machine") {
			t.Errorf("%q: %v %s", redirect, r.resp.Header, r.body)
		}
	}
	l.authorize("client_id", "<script>").status(400)
	for name, changes := range map[string][]string{
		"unsupported_response_type": {"response_type", "token"}, "invalid_request": {"code_challenge", ""}, "invalid_request#plain": {"code_challenge_method", "plain"},
	} {
		to, err := url.Parse(l.authorize(changes...).status(303).resp.Header.Get("Location"))
		name, _, _ = strings.Cut(name, "#")
		if err != nil || to.Host != "localhost:8400" || to.Query().Get("error") != name || to.Query().Get("state") != "s-1" || to.Query().Has("code") {
			t.Errorf("%v lead to %s, %v", changes, to, err)
		}
	}
}

func TestManagedIdentity(t *testing.T) {
	l := newLobby(t)
	secret := l.program.Bearer
	for what, r := range map[string]*reply{
		"as virtual machines":  l.ask(http.MethodPost, "/msi/token?key="+secret, pairs("resource", "https://x/"), "Metadata", "true"),
		"as App Service":       l.ask(http.MethodGet, "/msi/token/?resource=https://x/&api-version=2017-09-01", nil, "secret", secret),
		"as App Service today": l.ask(http.MethodGet, "/msi/token?resource=https://x/&api-version=2019-08-01", nil, "X-IDENTITY-HEADER", secret),
	} {
		r.status(200).says("resource", "https://x/").says("token_type", "Bearer").says("expires_on", strconv.FormatInt(l.Now().Add(time.Hour).Unix(), 10))
		token, _ := r.at("access_token").(string)
		body, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
		if err != nil || !strings.Contains(string(body), `"tid":"`+l.door.Tenancy.Tenant+`"`) {
			t.Errorf("%s: the token says %s, %v", what, body, err)
		}
		l.opens(token, 200)
	}
	l.ask(http.MethodPost, "/msi/token?key="+secret, pairs("resource", "x")).denies(400, "invalid_request")
	l.ask(http.MethodPost, "/msi/token?key=dkb_wrong", pairs(), "Metadata", "true").denies(401, "invalid_grant")
	l.ask(http.MethodPost, "/msi/token", pairs(), "Metadata", "true").denies(401, "invalid_client")
	got := l.given(l.token("client_id", azCLI, "grant_type", "password", "username", "mei.lin", "password", word))
	l.ask(http.MethodGet, "/msi/token", nil, "secret", got.Access).denies(401, "invalid_grant") // no token begets tokens
}

func TestHostileForms(t *testing.T) {
	l := newLobby(t)
	l.token().denies(400, "unsupported_grant_type")
	l.token("grant_type", "implicit").denies(400, "unsupported_grant_type")
	for _, kind := range []string{"refresh_token", "authorization_code", "device_code"} {
		l.token("grant_type", kind, "client_id", azCLI).denies(401, "invalid_grant")
		l.token("grant_type", kind).denies(400, "invalid_request")
		l.token("grant_type", kind, "client_id", azCLI, "code", "\x00\xff", "refresh_token", "dkr_\x00.1.x", "device_code", "\x00").denies(401, "invalid_grant")
	}
	l.token("grant_type", "password", "client_id", azCLI, "username", "a\x00\xff", "password", "\x00").denies(401, "invalid_grant")
	r := l.ask(http.MethodPost, "/adfs/oauth2/token", pairs("x", strings.Repeat("y", 2<<20)))
	r.denies(413, "invalid_request")
	if strings.Contains(l.log.String(), word) || strings.Contains(l.log.String(), l.program.Bearer) {
		t.Error("the log holds a secret")
	}
}

// TestADatabaseThatIsAway: nobody gets in, and nobody learns why.
func TestADatabaseThatIsAway(t *testing.T) {
	l := newLobby(t)
	l.must(l.db.Close())
	r := l.token("client_id", l.program.Token.ClientID, "grant_type", "client_credentials", "client_secret", l.program.ClientSecret).denies(500, "server_error")
	if strings.Contains(r.body, "sql") || !strings.Contains(r.body, r.resp.Header.Get("X-Request-Id")) {
		t.Errorf("it tells %s", r.body)
	}
}
