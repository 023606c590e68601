package dispatch

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// behaviour is what a scripted receiver does: the keys of testdata/endpoint_behaviours.json.
type behaviour struct {
	Status       int
	Headers      map[string]string
	Body         string
	BodyBytes    int64   `json:"body_bytes"`
	BodyB64      string  `json:"body_b64"`
	RawBody      string  `json:"raw_body"`
	Raw          *string // instead of an answer
	Times        any     // so many answers of this kind, or "always"
	Then         *behaviour
	HeaderDelayS float64 `json:"header_delay_s"`
	HeaderRate   float64 `json:"header_bytes_per_s"`
	BodyRate     float64 `json:"body_bytes_per_s"`
	AcceptThen   string  `json:"accept_then"`
	BacklogFull  bool    `json:"backlog_full"`
	HeadersKiB   int     `json:"headers_total_kib"`
	HeadersCount int     `json:"headers_count"`
	Close        bool
	TLS, DNS     string
	Connection   string
	Requests     int
	Days         float64
	SuccessOnDay int `json:"one_success_on_day"`
	Webhook      struct {
		TimeoutS float64 `json:"timeout_s"`
		Retry    any
	}
}

// receiver is a server on loopback that follows a script and remembers what reached it.
type receiver struct {
	script behaviour
	scale  float64 // of every time in the script
	ln     net.Listener
	tls    *tls.Config
	quit   chan struct{}
	group  sync.WaitGroup

	mu       sync.Mutex
	conns    int
	open     map[net.Conn]bool
	requests []received
}

type received struct {
	head   string // request line and headers as they came
	header http.Header
	body   []byte
}

func receive(t *testing.T, script behaviour, scale float64, config *tls.Config) *receiver {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{script: script, scale: scale, ln: ln, tls: config, quit: make(chan struct{}), open: map[net.Conn]bool{}}
	r.group.Go(r.serve)
	t.Cleanup(func() {
		close(r.quit)
		ln.Close()
		r.mu.Lock()
		for c := range r.open {
			c.Close()
		}
		r.mu.Unlock()
		r.group.Wait()
	})
	return r
}

func (r *receiver) port() string {
	_, port, _ := net.SplitHostPort(r.ln.Addr().String())
	return port
}

func (r *receiver) seen() (requests []received, conns int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]received(nil), r.requests...), r.conns
}

func (r *receiver) serve() {
	for {
		conn, err := r.ln.Accept()
		if err != nil {
			return
		}
		r.mu.Lock()
		r.conns++
		r.open[conn] = true
		r.mu.Unlock()
		r.group.Go(func() {
			defer conn.Close()
			r.talk(conn)
		})
	}
}

func (r *receiver) talk(conn net.Conn) {
	switch {
	case r.script.AcceptThen == "hang", r.script.TLS == "hang":
		<-r.quit
		return
	case r.script.AcceptThen == "rst":
		_ = conn.(*net.TCPConn).SetLinger(0)
		return
	case r.tls != nil:
		secure := tls.Server(conn, r.tls)
		if secure.Handshake() != nil {
			return
		}
		conn = secure
	}
	for reader := bufio.NewReader(conn); r.read(reader); {
		b := r.turn()
		if !r.answer(conn, b) || b.Close {
			return
		}
	}
}

// read takes one request as the bytes it is made of.
func (r *receiver) read(from *bufio.Reader) bool {
	var head strings.Builder
	for {
		line, err := from.ReadString('\n')
		if err != nil {
			return false
		}
		head.WriteString(line)
		if line == "\r\n" {
			break
		}
	}
	req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head.String())))
	if err != nil {
		return false
	}
	body := make([]byte, req.ContentLength)
	if _, err := io.ReadFull(from, body); err != nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, received{head.String(), req.Header, body})
	return true
}

// turn gives the part of the script for the newest request.
func (r *receiver) turn() behaviour {
	r.mu.Lock()
	defer r.mu.Unlock()
	b, n := r.script, len(r.requests)
	for b.Then != nil && b.Times != nil && b.Times != "always" && n > int(b.Times.(float64)) {
		n -= int(b.Times.(float64))
		b = *b.Then
	}
	return b
}

func (r *receiver) sleep(seconds float64) {
	select {
	case <-time.After(time.Duration(seconds * r.scale * float64(time.Second))):
	case <-r.quit:
	}
}

// answer writes the answer; it reports whether the connection can take another request.
func (r *receiver) answer(conn net.Conn, b behaviour) bool {
	if b.Raw != nil {
		_, _ = io.WriteString(conn, raw(*b.Raw))
		return false
	}
	r.sleep(b.HeaderDelayS)
	head, body, endless := b.compose()
	if !r.drip(conn, head, b.HeaderRate) || !r.drip(conn, body, b.BodyRate) {
		return false
	}
	chunk := bytes.Repeat([]byte{'x'}, 32<<10)
	for endless > 0 {
		n, err := conn.Write(chunk[:min(endless, int64(len(chunk)))])
		if err != nil {
			return false
		}
		endless -= int64(n)
	}
	return b.RawBody == ""
}

// drip writes at so many bytes per second; 0 is all at once.
func (r *receiver) drip(conn net.Conn, data []byte, rate float64) bool {
	if rate == 0 {
		_, err := conn.Write(data)
		return err == nil
	}
	for i := range data {
		select {
		case <-r.quit:
			return false
		case <-time.After(time.Duration(float64(time.Second) / rate * r.scale)):
		}
		if _, err := conn.Write(data[i : i+1]); err != nil {
			return false
		}
	}
	return true
}

// compose gives the answer's head and body, and how many bytes follow that are not worth holding.
func (b behaviour) compose() (head, body []byte, endless int64) {
	if b.Status == 0 {
		b.Status = http.StatusOK
	}
	body = []byte(b.Body)
	headers := map[string]string{}
	for name, value := range b.Headers {
		headers[name] = value
	}
	switch {
	case b.Body == "endless":
		body, endless = nil, 1<<50
	case b.Body == "gzip_zeros_64MiB":
		body = zeros64()
		headers["Content-Encoding"] = "gzip"
	case b.BodyB64 != "":
		body, _ = base64.StdEncoding.DecodeString(b.BodyB64)
	case b.RawBody != "":
		body = []byte(raw(b.RawBody))
	case b.BodyBytes > 0:
		body, endless = nil, b.BodyBytes
	}
	if headers["Transfer-Encoding"] == "" && b.Status != 204 && b.Status != 304 {
		headers["Content-Length"] = fmt.Sprint(int64(len(body)) + endless)
	}
	for i := range b.HeadersCount {
		headers[fmt.Sprintf("X-Many-%d", i)] = "1"
	}
	for i := range b.HeadersKiB {
		headers[fmt.Sprintf("X-Large-%d", i)] = strings.Repeat("x", 1<<10)
	}
	text := fmt.Sprintf("HTTP/1.1 %d %s\r\n", b.Status, http.StatusText(b.Status))
	for name, value := range headers {
		text += name + ": " + value + "\r\n"
	}
	return []byte(text + "\r\n"), body, endless
}

// raw writes out what the case files abbreviate.
func raw(text string) string {
	text = strings.ReplaceAll(text, `\r\n`, "\r\n")
	if block, rest, many := strings.Cut(text, " x50 then "); many {
		return strings.Repeat(block, 50) + "HTTP/1.1 " + rest + " No Content\r\n\r\n"
	}
	return text
}

// zeros64 is 64 MiB of zeros, zipped once: under the race detector that takes longer than a case may.
var zeros64 = sync.OnceValue(func() []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = io.CopyN(z, zero{}, 64<<20)
	_ = z.Close()
	return out.Bytes()
})

type zero struct{}

func (zero) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
