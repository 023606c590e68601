package web

import (
	"io"
	"math"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// patience is how long a transfer may stand still before its connection is cut.
const patience = 60 * time.Second

// rolling replaces the server's fixed deadlines by ones that move with every byte, so that a large blob may take
// its time and a stream of events stays open while heartbeats pass.
func rolling(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		conn := http.NewResponseController(c.Response().Writer)
		r := c.Request()
		if r.Body == nil || r.Body == http.NoBody {
			_ = conn.SetReadDeadline(time.Time{}) // not supported: the server's own deadline stays
		} else {
			r.Body = &movingReader{ReadCloser: r.Body, conn: conn}
		}
		c.Response().Writer = &movingWriter{ResponseWriter: c.Response().Writer, conn: conn}
		_ = conn.SetWriteDeadline(time.Now().Add(patience))
		return next(c)
	}
}

type movingReader struct {
	io.ReadCloser
	conn *http.ResponseController
}

// Read gives the next bytes their own deadline; after the last one nothing is due any more.
func (m *movingReader) Read(p []byte) (int, error) {
	_ = m.conn.SetReadDeadline(time.Now().Add(patience))
	n, err := m.ReadCloser.Read(p)
	if err == io.EOF {
		_ = m.conn.SetReadDeadline(time.Time{})
		_ = m.conn.SetWriteDeadline(time.Now().Add(patience))
	}
	return n, err
}

type movingWriter struct {
	http.ResponseWriter
	conn *http.ResponseController
}

// Write gives the bytes their own deadline.
func (m *movingWriter) Write(p []byte) (int, error) {
	_ = m.conn.SetWriteDeadline(time.Now().Add(patience))
	return m.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (m *movingWriter) Unwrap() http.ResponseWriter { return m.ResponseWriter }

// Flush sends what is buffered.
func (m *movingWriter) Flush() { _ = m.conn.Flush() }

// ReadFrom lets io.Copy use sendfile for files; every 4 MiB get their own deadline. A limit around the file is taken off
// and kept here: the system's call finds the file behind one limit and not behind two.
func (m *movingWriter) ReadFrom(src io.Reader) (int64, error) {
	left := int64(math.MaxInt64)
	limit, limited := src.(*io.LimitedReader)
	if limited {
		src, left = limit.R, limit.N
	}
	var total int64
	for left > 0 {
		_ = m.conn.SetWriteDeadline(time.Now().Add(patience))
		n, err := io.CopyN(m.ResponseWriter, src, min(left, stretch))
		total, left = total+n, left-n
		if limited {
			limit.N = left
		}
		if err == io.EOF { //nolint:errorlint // CopyN returns io.EOF itself
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// stretch is how many bytes of a file go out under one deadline.
const stretch = 4 << 20
