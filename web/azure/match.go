package azure

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"dockbell/models/fault"
)

// etag is a resource's version as HTTP compares it.
func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// condition is what a request says of the resource it was made for (RFC 9110, 13.1).
type condition struct {
	mustBeNew bool  // If-None-Match: *
	mustBe    bool  // If-Match, of any version when version is 0
	version   int64 // -1: one that no resource has
}

// conditionOf reads If-Match and If-None-Match. have is the version of the resource now; 0 when it is not there.
func conditionOf(c echo.Context, have int64) condition {
	h := c.Request().Header
	wanted := condition{mustBeNew: strings.TrimSpace(h.Get("If-None-Match")) == "*"}
	given := strings.TrimSpace(h.Get("If-Match"))
	if given == "" {
		return wanted
	}
	wanted.mustBe = true
	if given == "*" {
		return wanted
	}
	wanted.version = -1
	for _, tag := range strings.Split(given, ",") {
		if strings.TrimSpace(tag) == etag(have) {
			wanted.version = have
		}
	}
	return wanted
}

// check refuses at once what cannot hold; what changes meanwhile is refused by the service.
func (cond condition) check(have int64) error {
	switch {
	case cond.mustBeNew && have != 0:
		return unmet("The resource exists already.")
	case cond.mustBe && have == 0:
		return unmet("The resource does not exist.")
	case cond.version == -1:
		return unmet("The resource was changed meanwhile: its ETag is not the one of If-Match. Read it again before you change it.")
	}
	return nil
}

func unmet(message string) error {
	return refuse(http.StatusPreconditionFailed, "PreconditionFailed", "If-Match", "%s", message)
}

// settled gives the refusal of a change in the words of its condition: a conflict or a missing resource means it did not hold.
func (cond condition) settled(err error) error {
	if err == nil || !cond.mustBe && !cond.mustBeNew {
		return err
	}
	missing := fault.Is(err, fault.NotFound) && fault.All(err)[0].Field == "webhook"
	if missing || fault.Is(err, fault.Conflict) {
		return unmet(fault.All(err)[0].Message)
	}
	return err
}
