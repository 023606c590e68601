package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dockbell/models/artifact"
	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/registry"
)

// past is a history of two registries with every kind of delivery in it, newest first, as the store must show it.
type past struct {
	q          *queue
	deliveries []delivery.Delivery
	events     []event.Event
}

// names hold what LIKE would take for a wildcard, both cases, and letters beyond ASCII.
var names = []string{"team/api", "team/api_x", "Team/API", "a%b", `back\slash`, "ünïcode/größe", "library/nginx"}

// eachPast runs a test on every database with a history.
func eachPast(t *testing.T, test func(t *testing.T, p *past)) {
	t.Helper()
	eachQueue(t, 3, func(t *testing.T, q *queue) {
		p := &past{q: q}
		addRegistry(t, q.db, acme("other1", registry.Premium))
		other := queueOf(t, q.db, "other1", 1)
		other.clock, other.ids = q.clock, q.ids
		actions := []event.Action{event.Push, event.Push, event.Delete, event.Push, event.ChartPush, event.Quarantine, event.ChartDelete}
		statuses := []int{200, 500, 404, 301, 0, 201, -1, 200} // 0: no answer; -1: not sent yet
		for i := range 120 {
			q.clock.advance(time.Second)
			from := q
			if i%5 == 4 {
				from = other
			}
			action := actions[i%len(actions)]
			if i%11 == 10 {
				action = event.Ping
			}
			p.happen(from, action, i, statuses)
		}
		slices.Reverse(p.deliveries)
		slices.Reverse(p.events)
		test(t, p)
	})
}

// later is when what happened goes on: after the test.
const later = 1000 * time.Hour

// happen adds one event, and ends its deliveries as statuses say.
func (p *past) happen(q *queue, action event.Action, i int, statuses []int) {
	q.t.Helper()
	entry := q.entry(action, q.hooks[:1+i%len(q.hooks)]...)
	entry.Event.Target = event.Target{Repository: names[i%len(names)], Tag: fmt.Sprintf("v%d", i%9), Digest: "sha256:1", Kind: artifact.Image}
	if action == event.Ping {
		entry.Event.Target = event.Target{}
	}
	for k := range entry.Deliveries {
		entry.Deliveries[k].Image = delivery.Image{Repository: entry.Event.Target.Repository, Tag: entry.Event.Target.Tag, Digest: entry.Event.Target.Digest}
	}
	q.record(entry)
	p.events = append(p.events, entry.Event)
	status := statuses[i%len(statuses)]
	jobs, err := q.db.Claim(q.t.Context(), 1000, delivery.Caps{Default: 1000}, later)
	if err != nil {
		q.t.Fatal(err)
	}
	for _, job := range jobs {
		a := q.attempt(job, max(status, 0))
		if status == 0 {
			a.Cause = delivery.CauseRefused
		}
		done := delivery.Next(job, a, q.clock.now(), nil)
		if done.Delivery.State == delivery.Pending {
			done.Delivery.Next = done.Delivery.Next.Add(later)
		}
		if status >= 0 {
			q.write(done)
		}
	}
	for _, del := range entry.Deliveries {
		stored := q.stored(del.ID)
		stored.Body = nil
		p.deliveries = append(p.deliveries, stored)
	}
}

func classOf(d delivery.Delivery) delivery.StatusClass {
	switch {
	case d.Last.At.IsZero():
		return delivery.AnyClass
	case d.Last.Status == 0:
		return delivery.NoAnswer
	}
	return delivery.StatusClass(fmt.Sprintf("%dxx", d.Last.Status/100))
}

// matches is the model of a filter.
func matches(f delivery.Filter, d delivery.Delivery) bool {
	text := strings.ToLower(f.Text)
	return (f.Registry == "" || f.Registry.Key() == d.Registry.Key()) && (f.WebhookID == "" || f.WebhookID == d.WebhookID) &&
		(f.EventID == "" || f.EventID == d.EventID) && (f.Action == "" || f.Action == d.Action) && (f.Class == "" || f.Class == classOf(d)) &&
		(text == "" || strings.Contains(strings.ToLower(d.Image.Repository+":"+d.Image.Tag), text) || strings.HasPrefix(string(d.EventID), text)) &&
		(f.Since.IsZero() || !d.Created.Before(f.Since))
}

// part is one filter that is set, by name.
type part struct {
	name string
	set  func(*delivery.Filter)
}

// parts are the settings of every filter, some of which match nothing.
func (p *past) parts() []part {
	var all []part
	add := func(name string, set func(*delivery.Filter)) { all = append(all, part{name, set}) }
	for _, reg := range []registry.Name{"AcmeReg", "other1", "nosuch"} {
		add("registry "+string(reg), func(f *delivery.Filter) { f.Registry = reg })
	}
	for _, id := range []string{p.q.hooks[0].ID, p.q.hooks[2].ID, "nosuch"} {
		add("webhook "+id, func(f *delivery.Filter) { f.WebhookID = id })
	}
	for _, id := range []event.ID{p.deliveries[0].EventID, p.deliveries[50].EventID, "nosuch"} {
		add("event "+string(id), func(f *delivery.Filter) { f.EventID = id })
	}
	for _, action := range []event.Action{event.Push, event.Delete, event.ChartPush, event.Ping} {
		add("action "+string(action), func(f *delivery.Filter) { f.Action = action })
	}
	for _, class := range []delivery.StatusClass{delivery.Class2xx, delivery.Class3xx, delivery.Class4xx, delivery.Class5xx, delivery.NoAnswer} {
		add("class "+string(class), func(f *delivery.Filter) { f.Class = class })
	}
	for _, text := range []string{
		"api", "API:v", "_", "%", `\`, "größe", "b:v1", "nosuchtext", ":", "i_x:v", string(p.deliveries[3].EventID[:9]), string(p.deliveries[3].EventID),
	} {
		add("text "+text, func(f *delivery.Filter) { f.Text = text })
	}
	for _, since := range []time.Time{p.deliveries[20].Created, p.deliveries[0].Created.Add(time.Hour), noon} {
		add("since "+since.String(), func(f *delivery.Filter) { f.Since = since })
	}
	return all
}

// TestEveryFilterAloneAndInPairs compares the store with the model.
func TestEveryFilterAloneAndInPairs(t *testing.T) {
	eachPast(t, func(t *testing.T, p *past) {
		parts := p.parts()
		found := map[string]int{}
		for i, a := range parts {
			for _, b := range parts[i:] {
				var f delivery.Filter
				a.set(&f)
				b.set(&f)
				f.Limit = 1000
				var want []delivery.Delivery
				for _, d := range p.deliveries {
					if matches(f, d) {
						want = append(want, d)
					}
				}
				page, err := p.q.db.Deliveries(t.Context(), f)
				if d := cmp.Diff(want, page.Deliveries); err != nil || d != "" || page.Older || page.Newer {
					t.Fatalf("%s and %s: %v, older %v, newer %v (-want +got)\n%s", a.name, b.name, err, page.Older, page.Newer, d)
				}
				if a.name == b.name {
					found[a.name] = len(want)
				}
			}
		}
		if found["text _"] == 0 || found["text größe"] == 0 || found["class none"] == 0 || found["text nosuchtext"] != 0 {
			t.Errorf("the history does not test the filters: %v", found)
		}
	})
}

// TestPagesForthAndBack walks a history in pages of every size while new deliveries come, and wants no gap and no repeat.
func TestPagesForthAndBack(t *testing.T) {
	eachPast(t, func(t *testing.T, p *past) {
		for _, f := range []delivery.Filter{
			{Registry: "acmereg"}, {WebhookID: p.q.hooks[0].ID}, {Registry: "acmereg", Class: delivery.Class5xx}, {Registry: "acmereg", Text: "api"}, {Action: event.Delete}, {},
		} {
			var want []delivery.ID
			for _, d := range p.deliveries {
				if matches(f, d) {
					want = append(want, d.ID)
				}
			}
			for _, f.Limit = range []int{1, 7, len(want) - 1, len(want), len(want) + 1, 1000} {
				forth, last := p.walk(t, f, want)
				if d := cmp.Diff(want, forth); d != "" {
					t.Fatalf("%+v forth:\n%s", f, d)
				}
				if back := p.back(t, f, last, want[0]); !slices.Equal(back, want[:len(want)-len(last)]) {
					t.Fatalf("%+v back:\n%s", f, cmp.Diff(want[:len(want)-len(last)], back))
				}
			}
		}
	})
}

// walk pages from the newest of want to the oldest, and gives all IDs and those of the last page.
func (p *past) walk(t *testing.T, f delivery.Filter, want []delivery.ID) (all, last []delivery.ID) {
	t.Helper()
	for f.Before = want[0] + 1; ; {
		page, err := p.q.db.Deliveries(t.Context(), f)
		if err != nil || len(page.Deliveries) == 0 || len(page.Deliveries) > f.Limit || page.Newer != (len(all) > 0 || p.newerThan(f, want[0])) {
			t.Fatalf("%+v: %d deliveries, newer %v, %v", f, len(page.Deliveries), page.Newer, err)
		}
		last = nil
		for _, d := range page.Deliveries {
			last = append(last, d.ID)
		}
		all = append(all, last...)
		if page.Older != (len(all) < len(want)) {
			t.Fatalf("%+v: after %d of %d older is %v", f, len(all), len(want), page.Older)
		}
		if !page.Older {
			return all, last
		}
		f.Before = last[len(last)-1]
		if len(p.deliveries) < 400 { // new ones come meanwhile, for every filter
			p.more(t)
		}
	}
}

// newerThan reports whether something newer than an ID matches.
func (p *past) newerThan(f delivery.Filter, id delivery.ID) bool {
	return slices.ContainsFunc(p.deliveries, func(d delivery.Delivery) bool { return d.ID > id && matches(f, d) })
}

// more lets something happen now.
func (p *past) more(t *testing.T) {
	t.Helper()
	before := p.deliveries
	p.deliveries = nil
	p.q.clock.advance(time.Second)
	p.happen(p.q, event.Push, 0, []int{500})
	p.q.clock.advance(time.Second)
	p.happen(p.q, event.Delete, 0, []int{200})
	slices.Reverse(p.deliveries)
	p.deliveries = append(p.deliveries, before...)
}

// back pages from the given page to the newest that is wanted, and gives the IDs in the order of lists.
func (p *past) back(t *testing.T, f delivery.Filter, from []delivery.ID, newest delivery.ID) (all []delivery.ID) {
	t.Helper()
	f.Before = 0
	for f.After = from[0]; f.After < newest; {
		page, err := p.q.db.Deliveries(t.Context(), f)
		if err != nil || len(page.Deliveries) == 0 || !page.Older {
			t.Fatalf("%+v: %d deliveries, older %v, %v", f, len(page.Deliveries), page.Older, err)
		}
		var ids []delivery.ID
		for _, d := range page.Deliveries {
			if d.ID <= newest {
				ids = append(ids, d.ID)
			}
		}
		all = append(ids, all...)
		f.After = page.Deliveries[0].ID
		if page.Newer != p.newerThan(f, f.After) {
			t.Fatalf("%+v: newer is %v", f, page.Newer)
		}
	}
	return all
}

func TestPagesOfEvents(t *testing.T) {
	eachPast(t, func(t *testing.T, p *past) {
		for name, c := range map[string]struct {
			f    event.Filter
			want func(event.Event) bool
		}{
			"a registry":    {event.Filter{Registry: "ACMEREG"}, func(e event.Event) bool { return e.Registry == "acmereg" && e.Action != event.Ping }},
			"all":           {event.Filter{}, func(e event.Event) bool { return e.Action != event.Ping }},
			"pings":         {event.Filter{Registry: "acmereg", Action: event.Ping}, func(e event.Event) bool { return e.Registry == "acmereg" && e.Action == event.Ping }},
			"pushes":        {event.Filter{Registry: "other1", Action: event.Push}, func(e event.Event) bool { return e.Registry == "other1" && e.Action == event.Push }},
			"chart deletes": {event.Filter{Action: event.ChartDelete}, func(e event.Event) bool { return e.Action == event.ChartDelete }},
			"text":          {event.Filter{Text: "API_"}, func(e event.Event) bool { return e.Target.Repository == "team/api_x" && e.Action != event.Ping }},
			"since":         {event.Filter{Since: p.events[30].Time}, func(e event.Event) bool { return !e.Time.Before(p.events[30].Time) && e.Action != event.Ping }},
			"an ID":         {event.Filter{Text: string(p.events[5].ID[:13])}, func(e event.Event) bool { return e.ID == p.events[5].ID && e.Action != event.Ping }},
		} {
			var want []event.Event
			for _, e := range p.events {
				if c.want(e) {
					want = append(want, e)
				}
			}
			for _, limit := range []int{0, 3, 50} {
				f, got := c.f, []event.Event(nil)
				for f.Limit = limit; ; {
					page, err := p.q.db.Events(t.Context(), f)
					if err != nil || page.Newer != (len(got) > 0) {
						t.Fatalf("%s: newer %v, %v", name, page.Newer, err)
					}
					got = append(got, page.Events...)
					if !page.Older {
						break
					}
					f.Before = got[len(got)-1].ID
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("%s in pages of %d:\n%s", name, limit, d)
				}
				if len(want) < 2 {
					continue
				}
				f = c.f
				f.After, f.Limit = want[1].ID, 10
				page, err := p.q.db.Events(t.Context(), f)
				if err != nil || len(page.Events) != 1 || page.Events[0].ID != want[0].ID || page.Newer || !page.Older {
					t.Errorf("%s after the second: %d events, newer %v, older %v, %v", name, len(page.Events), page.Newer, page.Older, err)
				}
			}
		}
		if page, err := p.q.db.Events(t.Context(), event.Filter{Before: "nosuch", Limit: 3}); err != nil || len(page.Events) != 3 {
			t.Errorf("before an event that is not there: %d, %v, want the newest", len(page.Events), err)
		}
	})
}

func TestArrivalsHoursAndBacklog(t *testing.T) {
	eachPast(t, func(t *testing.T, p *past) {
		arrivals, err := p.q.db.Arrivals(t.Context(), "acmereg", 5)
		if err != nil || len(arrivals) != 5 {
			t.Fatalf("%d arrivals, %v", len(arrivals), err)
		}
		i := 0
		for _, e := range p.events {
			if e.Registry != "acmereg" || e.Action == event.Ping || i == 5 {
				continue
			}
			fired := 0
			for _, d := range p.deliveries {
				if d.EventID == e.ID {
					fired++
				}
			}
			if arrivals[i].Event.ID != e.ID || arrivals[i].Webhooks != fired {
				t.Errorf("arrival %d is %s with %d webhooks, want %s with %d", i, arrivals[i].Event.ID, arrivals[i].Webhooks, e.ID, fired)
			}
			i++
		}
		counts, err := p.q.db.EventHours(t.Context(), "", noon)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]int{}
		for _, c := range counts {
			got[string(c.Registry)+" "+string(c.Action)] += c.Events
		}
		want := map[string]int{}
		for _, e := range p.events {
			if e.Action != event.Ping {
				want[string(e.Registry)+" "+string(e.Action)]++
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("events by hour:\n%s", d)
		}
		if counts, err := p.q.db.EventHours(t.Context(), "", noon.Add(time.Hour)); err != nil || len(counts) != 0 {
			t.Errorf("since an hour later: %v, %v", counts, err)
		}
		p.backlogs(t)
	})
}

// backlogs compares what waits for a retry, and what is at stake, with the model.
func (p *past) backlogs(t *testing.T) {
	t.Helper()
	for _, reg := range []registry.Name{"", "AcmeReg", "other1"} {
		want := delivery.Backlog{}
		for _, d := range p.deliveries {
			if d.State == delivery.Pending && d.Attempts > 0 && !d.Next.IsZero() && (reg == "" || d.Registry.Key() == reg.Key()) {
				want.Waiting++
				if want.Next.IsZero() || d.Next.Before(want.Next) {
					want.Next = d.Next
				}
			}
		}
		got, err := p.q.db.Backlog(t.Context(), reg)
		if d := cmp.Diff(want, got); err != nil || d != "" || want.Waiting == 0 {
			t.Errorf("backlog of %q: %v\n%s", reg, err, d)
		}
	}
	waiting, past := 0, 0
	for _, d := range p.deliveries {
		if d.WebhookID == p.q.hooks[1].ID {
			past++
			if d.State == delivery.Pending {
				waiting++
			}
		}
	}
	got, err := p.q.db.Stakes(t.Context(), []string{p.q.hooks[1].ID, "nosuch"})
	want := map[string]delivery.Stakes{p.q.hooks[1].ID: {Waiting: waiting, Past: past}, "nosuch": {}}
	if d := cmp.Diff(want, got); err != nil || d != "" || waiting == 0 {
		t.Errorf("at stake: %v\n%s", err, d)
	}
}

func TestFiguresOfNothing(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		if b, err := q.db.Backlog(t.Context(), ""); err != nil || b != (delivery.Backlog{}) {
			t.Errorf("backlog %+v, %v", b, err)
		}
		h := q.health(0)
		if !h.Last.At.IsZero() || !h.FailingSince.IsZero() || h.Hours[23].Start != noon.Truncate(time.Hour) {
			t.Errorf("health %+v", h)
		}
		if all, err := q.db.Health(t.Context(), nil, noon); err != nil || len(all) != 0 {
			t.Errorf("health of nobody: %v, %v", all, err)
		}
		p, err := q.db.Deliveries(t.Context(), delivery.Filter{Registry: q.reg, After: 1, Limit: 5})
		if err != nil || len(p.Deliveries) != 0 || p.Older || p.Newer {
			t.Errorf("a page of nothing: %+v, %v", p, err)
		}
	})
}
