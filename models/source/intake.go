package source

import (
	"cmp"
	"context"
	"errors"
	"path"
	"slices"
	"strings"
	"time"

	"dockbell/models/artifact"
	"dockbell/models/event"
	"dockbell/models/fault"
	"dockbell/models/registry"
)

// Outbox stores a body with what its events give rise to.
type Outbox interface {
	// Take stores an arrival and its events with their deliveries in one transaction, and gives the arrival with the verdicts
	// that came of it: an event that is known is a Duplicate. ErrStale when the source is not what it was.
	Take(ctx context.Context, a Arrival, events []event.Event) (Arrival, error)
}

// ErrStale is the refusal of an arrival whose source was changed or deleted since it was read.
var ErrStale error = fault.New(fault.Conflict, "The source was changed meanwhile.")

// Memory is what is known of a registry's images from the events that came before.
type Memory interface {
	Registry(ctx context.Context, name registry.Name) (registry.Registry, error)
	Remembered(ctx context.Context, name registry.Name, repository, digest string) (Image, error) // the zero Image: nothing
	Tagged(ctx context.Context, name registry.Name, repository, tag string) (digest string, err error)
}

// Image is a manifest as it is remembered.
type Image struct {
	Repository string
	Digest     string // empty: the tags mean nothing any more
	MediaType  string
	Kind       artifact.Kind
	Chart      artifact.ChartInfo
	Tags       []string
}

// Intake turns what sources tell into events.
type Intake struct {
	Outbox Outbox
	Memory Memory
}

// Take judges a body's events by the rules and stores them with it. Every event has a verdict; only a body that cannot be
// stored is an error.
func (in *Intake) Take(ctx context.Context, a Arrival, notices []Notice) (Arrival, error) {
	j := judge{ctx: ctx, in: in, at: a}
	for _, n := range notices {
		v, err := j.verdict(n)
		if err != nil {
			return a, err
		}
		j.at.Verdicts = append(j.at.Verdicts, v)
	}
	return in.Outbox.Take(ctx, j.at, j.events)
}

// judge judges the events of one body.
type judge struct {
	ctx    context.Context //nolint:containedctx // of the request that it stands for
	in     *Intake
	at     Arrival
	events []event.Event
	reg    *registry.Registry
}

// ignored is of no use, rejected breaks a rule.
func ignored(id, why string) Verdict  { return Verdict{ID: id, Outcome: Ignored, Reason: why} }
func rejected(id, why string) Verdict { return Verdict{ID: id, Outcome: Rejected, Reason: why} }

// verdict judges one event and keeps what it raises.
func (j *judge) verdict(n Notice) (Verdict, error) {
	n = n.clipped()
	key := cmp.Or(n.Key, n.ID)
	if key == "" {
		key = strings.Join([]string{"without id", n.Request.ID, n.Target.Digest, string(n.What), n.Target.Repository, n.Target.Tag}, "\n")
	}
	id := j.at.Source.eventID(key)
	if n.ID == "" {
		n.ID = string(id)
	}
	switch {
	case n.Wrong != "":
		return rejected(n.ID, n.Wrong), nil
	case n.What == "":
		return ignored(n.ID, n.Why), nil
	}
	if err := n.check(); err != nil {
		return rejected(n.ID, sentence(err)), nil
	}
	at, note, err := j.time(n.Time)
	if err != nil {
		return rejected(n.ID, sentence(err)), nil
	}
	ev := event.Event{
		ID: id, Registry: j.at.Source.Registry, Location: j.at.Source.Location, Time: at, Target: n.Target, CarriedTags: n.Carried,
		Request: n.Request, Actor: n.Actor, Source: string(j.at.Source.Name),
	}
	why, err := j.raise(&ev, n)
	switch {
	case err != nil:
		return Verdict{}, err
	case why != "":
		return ignored(n.ID, why), nil
	}
	j.events = append(j.events, ev)
	return Verdict{ID: n.ID, Outcome: Accepted, Reason: note, Event: id}, nil
}

// raise says as which event a notice counts, by the rules of the built-in registry; why is the reason that it raises none.
func (j *judge) raise(ev *event.Event, n Notice) (why string, err error) {
	switch n.What {
	case Pushed:
		return j.push(ev, n)
	case Held:
		classify(&ev.Target, n.Config)
		ev.Action = event.Quarantine
	case Deleted:
		return "", j.remove(ev)
	case Untagged:
		return j.untag(ev)
	}
	return "", nil
}

// push tells of a manifest under a tag. Others are remembered and announced where the registry wants that.
func (j *judge) push(ev *event.Event, n Notice) (why string, err error) {
	t := &ev.Target
	classify(t, n.Config)
	ev.Action = event.Push
	if t.Kind == artifact.Chart {
		ev.Action = event.ChartPush
	}
	if n.Relayed || t.Tag != "" && artifact.FallbackSubject(t.Tag) == "" {
		return "", nil
	}
	reg, err := j.registry()
	if err != nil || reg.Policies.AnnounceUntagged {
		return "", err
	}
	if t.Digest != "" {
		j.at.Images = append(j.at.Images, imageOf(*t))
	}
	return "It has no tag of its own, and the registry does not announce untagged manifests.", nil
}

// remove tells of a deleted manifest with what is remembered of it: afterwards nobody could tell an image from a chart.
func (j *judge) remove(ev *event.Event) error {
	t := &ev.Target
	ev.Action = event.Delete
	if t.Digest == "" { // the sender names a tag alone
		digest, err := j.in.Memory.Tagged(j.ctx, ev.Registry, t.Repository, t.Tag)
		if err != nil {
			return err
		}
		t.Digest = digest
	}
	known, err := j.remembered(t.Repository, t.Digest)
	if err != nil {
		return err
	}
	t.MediaType, t.Size = cmp.Or(t.MediaType, known.MediaType), 0
	if t.Kind == "" {
		t.Kind, t.Chart = known.Kind, known.Chart
	}
	if len(ev.CarriedTags) == 0 {
		ev.CarriedTags = known.Tags
	}
	classify(t, "")
	if t.Digest != "" { // else nothing but the tag says what it was
		if t.Tag != "" && !slices.Contains(ev.CarriedTags, t.Tag) {
			ev.CarriedTags = append(slices.Clip(ev.CarriedTags), t.Tag)
		}
		t.Tag = ""
	}
	if t.Kind == artifact.Chart {
		ev.Action, t.Tag = event.ChartDelete, cmp.Or(t.Tag, event.ChartTag(t.Chart, ev.CarriedTags))
	}
	return nil
}

// untag tells of a removed tag where the registry wants that.
func (j *judge) untag(ev *event.Event) (why string, err error) {
	t := &ev.Target
	reg, err := j.registry()
	if err != nil {
		return "", err
	}
	if t.Digest == "" {
		if t.Digest, err = j.in.Memory.Tagged(j.ctx, ev.Registry, t.Repository, t.Tag); err != nil {
			return "", err
		}
	}
	j.at.Images = append(j.at.Images, Image{Repository: t.Repository, Tags: []string{t.Tag}})
	if !reg.Policies.AnnounceUntag {
		return "A tag was removed and its manifest was not, and the registry does not announce that.", nil
	}
	known, err := j.remembered(t.Repository, t.Digest)
	if err != nil {
		return "", err
	}
	t.MediaType, t.Kind, t.Chart = cmp.Or(t.MediaType, known.MediaType), known.Kind, known.Chart
	classify(t, "")
	ev.Action = event.Delete
	if t.Kind == artifact.Chart {
		ev.Action = event.ChartDelete
	}
	return "", nil
}

func (j *judge) registry() (registry.Registry, error) {
	if j.reg == nil {
		reg, err := j.in.Memory.Registry(j.ctx, j.at.Source.Registry)
		if err != nil {
			return reg, err
		}
		j.reg = &reg
	}
	return *j.reg, nil
}

// remembered is what is known of a manifest, from this body first.
func (j *judge) remembered(repository, digest string) (Image, error) {
	if digest == "" {
		return Image{}, nil
	}
	known, err := j.in.Memory.Remembered(j.ctx, j.at.Source.Registry, repository, digest)
	if err != nil {
		return known, err
	}
	for _, ev := range j.events {
		if t := ev.Target; t.Repository == repository && t.Digest == digest && ev.Action.Plain() == event.Push {
			known.MediaType, known.Kind, known.Chart = t.MediaType, t.Kind, t.Chart
			if t.Tag != "" && !slices.Contains(known.Tags, t.Tag) {
				known.Tags = append(known.Tags, t.Tag)
			}
		}
	}
	return known, nil
}

// oldest is how far back a sender's clock is believed.
const oldest = 7 * 24 * time.Hour

// time is when an event happened. The order of events is that in which they arrive; a time that cannot be is replaced.
func (j *judge) time(text string) (at time.Time, note string, err error) {
	if text == "" {
		return j.at.At, "", nil
	}
	at, err = time.Parse(time.RFC3339Nano, text)
	switch {
	case err != nil:
		return at, "", fault.New(fault.Invalid, "Its time %.40q is not one of RFC 3339.", text)
	case at.After(j.at.At.Add(time.Minute)), at.Before(j.at.At.Add(-oldest)):
		return j.at.At, "Its own time is " + at.UTC().Format(time.RFC3339) + "; it counts as of its arrival.", nil
	case at.After(j.at.At):
		return j.at.At, "", nil
	}
	return at.UTC(), "", nil
}

// sentence is the first refusal in err, for people.
func sentence(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Message
	}
	return err.Error()
}

// imageOf is what is remembered of a target.
func imageOf(t event.Target) Image {
	return Image{Repository: t.Repository, Digest: t.Digest, MediaType: t.MediaType, Kind: t.Kind, Chart: t.Chart}
}

// classify says what a target is, by its own media type and that of its config.
func classify(t *event.Target, config string) {
	switch {
	case t.Kind != "":
	case t.MediaType == artifact.OCIIndex || t.MediaType == artifact.DockerList:
		t.Kind = artifact.Index
	case config == "":
		t.Kind = artifact.Image
	default:
		t.Kind = artifact.KindOf(config)
	}
	if t.Kind == artifact.Chart && t.Chart == (artifact.ChartInfo{}) {
		t.Chart = chartOf(*t)
	}
}

// chartOf names a chart whose config nobody has shown: helm pushes it under its name and version, with _ for +.
func chartOf(t event.Target) artifact.ChartInfo {
	return artifact.ChartInfo{Name: path.Base(t.Repository), Version: strings.ReplaceAll(t.Tag, "_", "+")}
}
