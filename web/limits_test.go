package web

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labstack/echo/v4"

	"dockbell/web/auth"
)

// pipes is a listener without a network, so that time can be the test's.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// dial opens a connection to the server behind.
func (p *pipes) dial() net.Conn {
	client, server := net.Pipe()
	p.conns <- server
	return client
}

// served runs the test inside a bubble of time with a server whose routes are given.
func served(t *testing.T, routes []auth.Route, test func(t *testing.T, p *pipes)) {
	synctest.Test(t, func(t *testing.T) {
		p := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
		all := wide{door{prefixes: []string{"/"}, routes: routes}}
		s := Server(New(options(io.Discard), Doors{all}))
		ended := make(chan error)
		go func() { ended <- s.Serve(p) }()
		test(t, p)
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
}

// lasted is how long the server keeps a connection that it wants nothing more from.
func lasted(conn net.Conn) time.Duration {
	start := time.Now()
	io.Copy(io.Discard, conn)
	return time.Since(start)
}

func TestSlowClientsAreCut(t *testing.T) {
	hello := get("/hello", func(c echo.Context) error { return c.String(http.StatusOK, "hello") })
	upload := auth.Route{Method: http.MethodPost, Path: "/form", Public: true, Handler: func(c echo.Context) error {
		_, err := io.ReadAll(c.Request().Body)
		return err
	}}
	served(t, []auth.Route{hello, upload}, func(t *testing.T, p *pipes) {
		for _, c := range []struct {
			name, sends string
			want        time.Duration
		}{
			{"says nothing", "", 5 * time.Second},
			{"never ends its headers", "GET /hello HTTP/1.1\r\nHost: x\r\n", 5 * time.Second},
			{"never sends its body", "POST /form HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n", 15 * time.Second},
			{"keeps its connection", "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", 60 * time.Second},
		} {
			conn := p.dial()
			io.WriteString(conn, c.sends)
			if got := lasted(conn); got < c.want || got > c.want+2*time.Second {
				t.Errorf("a client that %s lasted %s, want %s", c.name, got, c.want)
			}
			conn.Close()
		}
	})
}

// TestSlowClientsHoldUpNobody: while many wait for nothing, others are answered at once.
func TestSlowClientsHoldUpNobody(t *testing.T) {
	served(t, []auth.Route{get("/hello", func(c echo.Context) error { return c.String(http.StatusOK, "hello") })}, func(t *testing.T, p *pipes) {
		var slow []net.Conn
		for range 200 {
			conn := p.dial()
			slow = append(slow, conn)
			io.WriteString(conn, "GET /hello HTTP/1.1\r\n")
		}
		defer func() {
			for _, conn := range slow {
				conn.Close()
			}
		}()
		start, conn := time.Now(), p.dial()
		defer conn.Close()
		io.WriteString(conn, "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || resp.StatusCode != http.StatusOK || time.Since(start) > time.Second {
			t.Errorf("%v, %v after %s", resp, err, time.Since(start))
		}
	})
}

func TestLongHeadersAreRefused(t *testing.T) {
	served(t, []auth.Route{get("/hello", func(c echo.Context) error { return c.NoContent(http.StatusOK) })}, func(t *testing.T, p *pipes) {
		conn := p.dial()
		defer conn.Close()
		go io.WriteString(conn, "GET /hello HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 40<<10)+"\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("%v, %v", resp, err)
		}
	})
}

// TestRollingDeadline: a transfer may take as long as it likes while bytes pass, and is cut when none do.
func TestRollingDeadline(t *testing.T) {
	const pieces, pause = 10, 50 * time.Second
	upload := auth.Route{Method: http.MethodPut, Path: "/blob", Public: true, Stream: true, Handler: func(c echo.Context) error {
		n, err := io.Copy(io.Discard, c.Request().Body)
		if err != nil {
			return err
		}
		return c.JSON(http.StatusCreated, n)
	}}
	stream := auth.Route{Method: http.MethodGet, Path: "/stream", Public: true, Stream: true, Handler: func(c echo.Context) error {
		for range pieces {
			time.Sleep(pause)
			if _, err := c.Response().Write([]byte("x")); err != nil {
				return err
			}
			c.Response().Flush()
		}
		return nil
	}}
	t.Run("upload", func(t *testing.T) {
		served(t, []auth.Route{upload}, func(t *testing.T, p *pipes) {
			conn := p.dial()
			defer conn.Close()
			io.WriteString(conn, "PUT /blob HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 10\r\n\r\n")
			for range pieces {
				time.Sleep(pause)
				io.WriteString(conn, "x")
			}
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil || resp.StatusCode != http.StatusCreated {
				t.Errorf("%v, %v", resp, err)
			}
		})
	})
	t.Run("upload that stands still", func(t *testing.T) {
		served(t, []auth.Route{upload}, func(t *testing.T, p *pipes) {
			conn := p.dial()
			defer conn.Close()
			io.WriteString(conn, "PUT /blob HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nx")
			if got := lasted(conn); got < patience || got > patience+5*time.Second {
				t.Errorf("lasted %s", got)
			}
		})
	})
	t.Run("stream", func(t *testing.T) {
		served(t, []auth.Route{stream}, func(t *testing.T, p *pipes) {
			conn := p.dial()
			defer conn.Close()
			io.WriteString(conn, "GET /stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(resp.Body)
			if len(got) != pieces || err != nil {
				t.Errorf("%d pieces of %d, %v", len(got), pieces, err)
			}
		})
	})
	t.Run("reader that stops reading", func(t *testing.T) {
		served(t, []auth.Route{stream}, func(t *testing.T, p *pipes) {
			conn := p.dial()
			defer conn.Close()
			start := time.Now()
			io.WriteString(conn, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
			time.Sleep(pause + patience + time.Second) // the first piece was due, nobody took it
			synctest.Wait()
			if _, err := io.ReadAll(conn); err != nil || time.Since(start) > 2*(pause+patience) {
				t.Errorf("after %s: %v", time.Since(start), err)
			}
		})
	})
}
