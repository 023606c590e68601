package payload

import (
	"strings"
	"time"

	"dockbell/models/event"
)

// Azure is Azure Container Registry's own body, field for field (learn.microsoft.com, container-registry-webhook-reference).
var Azure = Format{
	Name: "azure", Title: "Azure Container Registry", ContentType: "application/json; charset=utf-8",
	UserAgent: "AzureContainerRegistry/1.0", Encode: encodeAzure,
}

// chartMediaType is what Azure says of a chart in chart_push and chart_delete.
const chartMediaType = "application/vnd.acr.helm.chart"

type azureBody struct {
	ID        event.ID      `json:"id"`
	Timestamp string        `json:"timestamp"`
	Action    event.Action  `json:"action"`
	Target    *azureTarget  `json:"target,omitempty"`
	Request   *azureRequest `json:"request,omitempty"`
}

type azureTarget struct {
	MediaType  string `json:"mediaType,omitempty"`
	Size       int64  `json:"size,omitempty"`
	Digest     string `json:"digest,omitempty"`
	Length     int64  `json:"length,omitempty"`
	Repository string `json:"repository,omitempty"`
	Tag        string `json:"tag,omitempty"`
	Name       string `json:"name,omitempty"`
	Version    string `json:"version,omitempty"`
}

type azureRequest struct {
	ID        string `json:"id,omitempty"`
	Host      string `json:"host,omitempty"`
	Method    string `json:"method,omitempty"`
	UserAgent string `json:"useragent,omitempty"`
}

// Timestamp writes a time as Azure does: UTC with seven digits and Z.
func Timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.0000000Z") }

func encodeAzure(ev event.Event) ([]byte, error) {
	body := azureBody{ID: ev.ID, Timestamp: Timestamp(ev.Time), Action: ev.Action, Target: azureTargetOf(ev), Request: azureRequestOf(ev)}
	return compact(body)
}

func azureTargetOf(ev event.Event) *azureTarget {
	t := ev.Target
	switch ev.Action {
	case event.Ping, event.Noticed:
		return nil
	case event.Delete:
		if len(ev.CarriedTags) > 0 {
			t.Tag = "" // a deleted manifest is named by its digest; only an announced untag names the tag
		}
		return &azureTarget{MediaType: t.MediaType, Digest: t.Digest, Repository: t.Repository, Tag: t.Tag}
	case event.Quarantine:
		return &azureTarget{Size: t.Size, Digest: t.Digest, Length: t.Size, Repository: t.Repository, Tag: t.Tag}
	case event.ChartPush, event.ChartDelete:
		return &azureTarget{
			MediaType: chartMediaType, Size: t.Size, Digest: t.Digest, Repository: t.Repository, Tag: t.Tag,
			Name: t.Chart.Name, Version: t.Chart.Version,
		}
	default:
		return &azureTarget{MediaType: t.MediaType, Size: t.Size, Digest: t.Digest, Length: t.Size, Repository: t.Repository, Tag: t.Tag}
	}
}

func azureRequestOf(ev event.Event) *azureRequest {
	r := azureRequest{ID: ev.Request.ID, Host: ev.Request.Host, Method: ev.Request.Method, UserAgent: ev.Request.UserAgent}
	switch ev.Action {
	case event.Ping, event.Noticed, event.ChartPush, event.ChartDelete:
		return nil
	case event.Quarantine:
		r.UserAgent = ""
	}
	r.UserAgent = strings.ToValidUTF8(r.UserAgent, "�")
	if r == (azureRequest{}) {
		return nil
	}
	return &r
}
