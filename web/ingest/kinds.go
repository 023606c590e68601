package ingest

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"dockbell/models/source"
)

// decoder reads the events of one kind of source. An error refuses the whole body: it is no envelope of this kind. shake is what
// a sender wants to hear back before it sends any event.
type decoder func(r *request) (notices []source.Notice, shake string, err error)

// decoders are how each kind is read.
var decoders = map[source.Kind]decoder{
	source.Distribution: plainly(distribution),
	source.Zot:          plainly(zot),
	source.Harbor:       plainly(harbor),
	source.Quay:         plainly(quay),
	source.Gitea:        plainly(gitea),
	source.GitHub:       plainly(github),
	source.DockerHub:    plainly(dockerHub),
	source.EventGrid:    eventGrid,
	source.ACR:          plainly(acr),
	source.CloudEvents:  cloudEvents,
}

// plainly is a decoder of a kind without a handshake.
func plainly(read func(r *request) ([]source.Notice, error)) decoder {
	return func(r *request) ([]source.Notice, string, error) {
		notices, err := read(r)
		return notices, "", err
	}
}

func decode(r *request) ([]source.Notice, string, error) {
	notices, shake, err := decoders[r.source.Kind](r)
	if err == nil {
		err = tooMany(len(notices))
	}
	for _, n := range notices {
		if strings.ContainsRune(n.ID, 0) {
			return nil, "", noEnvelope("no id holds a NUL character.")
		}
	}
	return notices, shake, err
}

var errTooMany = echo.NewHTTPError(http.StatusRequestEntityTooLarge, "A body holds at most 1000 events.")

// judged is one event in the answer.
type judged struct {
	ID      string         `json:"id"`
	Verdict source.Outcome `json:"verdict"`
	Reason  string         `json:"reason"`
}

// answer is what a sender hears when its body is stored.
func answer(a source.Arrival) []byte {
	n := a.Tally()
	out := struct {
		Accepted  int64    `json:"accepted"`
		Duplicate int64    `json:"duplicate"`
		Ignored   int64    `json:"ignored"`
		Rejected  int64    `json:"rejected"`
		Events    []judged `json:"events"`
	}{n.Accepted, n.Duplicates, n.Ignored, n.Rejected, make([]judged, 0, len(a.Verdicts))}
	for _, v := range a.Verdicts {
		out.Events = append(out.Events, judged{v.ID, v.Outcome, v.Reason})
	}
	text, err := json.Marshal(out)
	if err != nil {
		panic(err) // it is made of texts and numbers
	}
	return text
}
