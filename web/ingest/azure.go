package ingest

import (
	"cmp"
	"strings"

	"dockbell/models/artifact"
	"dockbell/models/source"
	"dockbell/models/strict"
)

// gridPrefix begins the types of a registry's events in Event Grid.
const gridPrefix = "Microsoft.ContainerRegistry."

// gridActions are Event Grid's words for a webhook's actions.
var gridActions = map[string]string{
	"ImagePushed": "push", "ImageDeleted": "delete", "ImageQuarantined": "quarantine", "ChartPushed": "chart_push", "ChartDeleted": "chart_delete",
}

// azureNotice reads the body of Azure's webhook: what it tells is told on as it is.
func azureNotice(n source.Notice, action string, body strict.Object) source.Notice {
	f := &fields{}
	target := f.object(body, "target")
	n.Target, n.Request, n.Relayed = targetOf(f, target), requestOf(f, f.object(body, "request")), true
	n.Actor = f.text(f.object(body, "actor"), "name")
	n.Time = cmp.Or(n.Time, f.text(body, "timestamp"))
	switch action {
	case "push":
		n.What = source.Pushed
	case "delete":
		n.What = source.Deleted
	case "quarantine":
		n.What = source.Held
	case "chart_push", "chart_delete":
		n.What, n.Target.Kind = source.Pushed, artifact.Chart
		if action == "chart_delete" {
			n.What = source.Deleted
		}
		n.Target.Chart = artifact.ChartInfo{Name: f.text(target, "name"), Version: f.text(target, "version")}
	default:
		n.Why = "Its action tells of no pushed, deleted or quarantined image."
	}
	if n.Wrong = cmp.Or(n.Wrong, f.wrong); n.Wrong == "" && n.What != "" && target == nil {
		n.Wrong = "It has no target."
	}
	return n
}

// acr reads the webhook of Azure Container Registry, and of Dockbell itself.
func acr(r *request) ([]source.Notice, error) {
	o, _ := r.value.(strict.Object)
	f := &fields{}
	action := f.text(o, "action")
	if action == "" {
		return nil, noEnvelope(`it is an object with "action" and "target".`)
	}
	n := source.Notice{ID: f.text(o, "id"), Wrong: f.wrong}
	return []source.Notice{azureNotice(n, action, o)}, nil
}

// gridHandshake is the type of the event that asks whether events may be sent here.
const gridHandshake = "Microsoft.EventGrid.SubscriptionValidationEvent"

// eventGrid reads a registry's events of Event Grid, in its own schema or as CloudEvents, and answers its handshake.
func eventGrid(r *request) (notices []source.Notice, shake string, err error) {
	if isCloud(r) {
		return cloudEvents(r)
	}
	list, ok := r.value.([]any)
	if !ok {
		list = []any{r.value}
	}
	if err := tooMany(len(list)); err != nil {
		return nil, "", err
	}
	for _, item := range list {
		o, _ := item.(strict.Object)
		f := &fields{}
		kind, data := f.text(o, "eventType"), f.object(o, "data")
		if kind == "" {
			return nil, "", noEnvelope(`it is a list of objects with "eventType" and "data".`)
		}
		if kind == gridHandshake {
			return nil, f.text(data, "validationCode"), nil
		}
		n := source.Notice{ID: f.text(o, "id"), Time: f.text(o, "eventTime"), Wrong: f.wrong}
		notices = append(notices, gridNotice(n, kind, data))
	}
	return notices, "", nil
}

// gridNotice reads one event, whose data is the body of a webhook.
func gridNotice(n source.Notice, kind string, data strict.Object) source.Notice {
	return azureNotice(n, gridActions[strings.TrimPrefix(kind, gridPrefix)], data)
}
