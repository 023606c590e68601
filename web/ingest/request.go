package ingest

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"dockbell/models/fault"
	"dockbell/models/source"
	"dockbell/models/strict"
)

// request is one body on its way in.
type request struct {
	echo.Context
	http   *http.Request
	source source.Source
	kind   string // media type of the body, without parameters
	body   []byte
	value  any // what the body says, as strict.Value reads it
}

// The media types of bodies.
const (
	plainJSON  = "application/json"
	eventsV1   = "application/vnd.docker.distribution.events.v1+json"
	eventsV2   = "application/vnd.docker.distribution.events.v2+json"
	cloudEvent = "application/cloudevents+json"
	cloudBatch = "application/cloudevents-batch+json"
)

var mediaTypes = map[string]bool{plainJSON: true, eventsV1: true, eventsV2: true, cloudEvent: true, cloudBatch: true}

// read reads the body and what it says.
func (r *request) read() error {
	if err := r.checkType(); err != nil {
		return err
	}
	if err := r.readBody(); err != nil {
		return err
	}
	var err error
	r.value, err = strict.Value(r.body)
	return err
}

// checkType refuses what is compressed, or no JSON in UTF-8.
func (r *request) checkType() error {
	if encoding := r.http.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return echo.NewHTTPError(http.StatusUnsupportedMediaType, "Compressed bodies are not taken. Send them without Content-Encoding.")
	}
	kind, params, err := mime.ParseMediaType(r.http.Header.Get("Content-Type"))
	if err != nil || !mediaTypes[kind] || params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8") {
		return echo.NewHTTPError(http.StatusUnsupportedMediaType, "The Content-Type is none that events come in, such as application/json.")
	}
	r.kind = kind
	return nil
}

// readBody reads the body as far as the kind's limit. It does so once.
func (r *request) readBody() error {
	if r.body != nil {
		return nil
	}
	most := r.source.Kind.Known().Body
	if r.http.ContentLength > most {
		return &http.MaxBytesError{Limit: most}
	}
	in := http.MaxBytesReader(r.Response().Writer, r.http.Body, most) // which closes the connection behind what is too large
	var err error
	if n := r.http.ContentLength; n > 0 {
		r.body = make([]byte, n)
		_, err = io.ReadFull(in, r.body)
	} else {
		r.body, err = io.ReadAll(in)
	}
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &tooLarge):
		// The server would read on to find the end; the answer is said, and nothing more is taken.
		_ = http.NewResponseController(r.Response()).SetReadDeadline(time.Unix(1, 0)) // without a deadline it reads a little more
		return err
	}
	return fault.New(fault.Invalid, "The body did not arrive whole.").Because(err)
}
