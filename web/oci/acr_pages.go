package oci

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"dockbell/models/artifact"
	"dockbell/models/fault"
)

// orders are the words of orderby: those of the API, and of az and of older SDKs.
var orders = map[string]artifact.Order{
	"": artifact.ByName, "none": artifact.ByName, "timeasc": artifact.Oldest, "timedesc": artifact.Newest,
	"time_asc": artifact.Oldest, "time_desc": artifact.Newest,
}

// azurePage reads n, orderby and last. In the orders by time last carries the time of its entry ("v1@1732…"), so that the
// pages go on where they were when the entry is gone; a client that sends the bare name has its time looked up by timeOf.
func (r request) azurePage(timeOf func(last string) (time.Time, error)) (artifact.List, error) {
	n, last, err := page(r)
	if err != nil {
		return artifact.List{}, err
	}
	order, known := orders[strings.ToLower(r.c.QueryParam("orderby"))]
	if !known {
		return artifact.List{}, refuse(http.StatusBadRequest, codeUnsupported, "orderby is timeasc, timedesc or none.")
	}
	l := artifact.List{Order: order, After: last, N: n, Held: r.holding()}
	if order == artifact.ByName || last == "" {
		return l, nil
	}
	name, at, found := strings.Cut(last, "@")
	l.After = name
	if found {
		micros, err := strconv.ParseInt(at, 10, 64)
		if err != nil {
			return l, refuse(http.StatusBadRequest, codeUnsupported, "last is the last entry of the page before.")
		}
		l.At = time.UnixMicro(micros)
		return l, nil
	}
	if l.At, err = timeOf(name); fault.Is(err, fault.NotFound) {
		return l, refuse(http.StatusBadRequest, codeUnsupported, "last names an entry that is not there any more. Begin with the first page.")
	}
	return l, err
}

// azureNext sets the Link header to the page behind this entry.
func (r request) azureNext(l artifact.List, name string, at time.Time) {
	if l.Order != artifact.ByName {
		name += "@" + strconv.FormatInt(at.UnixMicro(), 10)
	}
	next(r, l.N, name)
}
