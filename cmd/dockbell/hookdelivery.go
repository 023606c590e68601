package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"dockbell/models/delivery"
	"dockbell/models/fault"
	"dockbell/models/payload"
	"dockbell/models/webhook"
)

// hookDelivery is how a webhook is delivered, as a file or the server says.
type hookDelivery struct {
	format, retry              string
	timeout, maxInFlight, rate int
	signed, ordered, paused    bool
	given                      bool // in a file: what it does not say stays as it is
}

var deliveryKeys = []string{"format", "retry", "timeout", "signed", "maxInFlight", "rate", "ordered", "paused"}

func plainDelivery() hookDelivery {
	return hookDelivery{format: payload.Formats[0].Name, retry: string(webhook.RetryDefault), timeout: int(webhook.DefaultTimeout / time.Second)}
}

// words are the settings in the order of deliveryKeys.
func (d hookDelivery) words() []string {
	return []string{
		d.format, d.retry, strconv.Itoa(d.timeout), strconv.FormatBool(d.signed), strconv.Itoa(d.maxInFlight), strconv.Itoa(d.rate),
		strconv.FormatBool(d.ordered), strconv.FormatBool(d.paused),
	}
}

// body is what the API takes.
func (d hookDelivery) body() object {
	return object{
		"format": d.format, "retry": d.retry, "timeoutSeconds": d.timeout, "signed": d.signed, "maxInFlight": d.maxInFlight, "rate": d.rate,
		"ordered": d.ordered, "paused": d.paused,
	}
}

// deliveryOf reads what the API gives.
func deliveryOf(o object) hookDelivery {
	number := func(key string) int { n, _ := strconv.Atoi(pick(o, key)); return n }
	is := func(key string) bool { on, _ := o[key].(bool); return on }
	return hookDelivery{
		format: pick(o, "format"), retry: pick(o, "retry"), timeout: number("timeoutSeconds"), signed: is("signed"), maxInFlight: number("maxInFlight"),
		rate: number("rate"), ordered: is("ordered"), paused: is("paused"), given: true,
	}
}

// delivery reads the part of a file that says how a webhook is delivered; what it leaves out gets its default.
func (r fileReader) delivery(n *yaml.Node) hookDelivery {
	d := plainDelivery()
	d.given = true
	for _, e := range r.entries(n, deliveryKeys) {
		var err error
		switch e.key {
		case "format":
			d.format = r.text(e.value)
			if !slices.Contains(payload.Names(), d.format) {
				err = fault.In("format", "%q is not a payload format.", d.format)
			}
		case "retry":
			var p webhook.RetryPolicy
			p, err = webhook.ParseRetry(r.text(e.value))
			d.retry = p.String()
		case "timeout":
			d.timeout = r.number(e.value)
			_, err = webhook.ParseTimeout(d.timeout)
		case "maxInFlight":
			d.maxInFlight = r.number(e.value)
			err = webhook.CheckInFlight(d.maxInFlight)
		case "rate":
			d.rate = r.number(e.value)
			err = webhook.CheckRate(d.rate)
		case "signed":
			d.signed = r.yes(e.value)
		case "ordered":
			d.ordered = r.yes(e.value)
		case "paused":
			d.paused = r.yes(e.value)
		}
		for _, f := range fault.All(err) {
			r.bad.add(e.value, "%s: %s", e.key, f.Message)
		}
	}
	return d
}

func (r fileReader) number(n *yaml.Node) int {
	v, err := strconv.Atoi(r.text(n))
	if err != nil {
		r.bad.add(n, "here stands a whole number")
	}
	return v
}

func (r fileReader) yes(n *yaml.Node) bool {
	switch r.text(n) {
	case "true":
		return true
	case "false":
	default:
		r.bad.add(n, "here stands true or false")
	}
	return false
}

// node is the part of a file that says how a webhook is delivered; nil when all of it is the default.
func (d hookDelivery) node() *yaml.Node {
	n, plain := &yaml.Node{Kind: yaml.MappingNode}, plainDelivery().words()
	for i, word := range d.words() {
		if word == plain[i] {
			continue
		}
		value := textNode(word)
		if deliveryKeys[i] != "format" && deliveryKeys[i] != "retry" {
			value = &yaml.Node{Kind: yaml.ScalarNode, Value: word} // a number or a truth value
		}
		n.Content = append(n.Content, textNode(deliveryKeys[i]), value)
	}
	if len(n.Content) == 0 {
		return nil
	}
	return n
}

// deliveryFlags set how a webhook is delivered.
type deliveryFlags struct {
	format            *oneOf
	retry, timeout    string
	signed, ordered   bool
	maxInFlight, rate int
}

func (f *deliveryFlags) add(c *cobra.Command) {
	f.format = addOneOf(c, "format", "payload format", payload.Names()...)
	c.Flags().StringVar(&f.retry, "retry", "", "retries: default, none (as Azure), or an own list of waits such as 5s,5m,1h")
	c.Flags().StringVar(&f.timeout, "timeout", "", "of one attempt, 1s to 60s")
	c.Flags().BoolVar(&f.signed, "signed", false, "sign requests as Standard Webhooks; --signed=false ends it and forgets the secret")
	c.Flags().IntVar(&f.maxInFlight, "max-in-flight", 0, "deliveries at a time, 1 to 16; 0 lets Dockbell adapt it")
	c.Flags().IntVar(&f.rate, "rate", 0, "deliveries per minute; 0 is no limit")
	c.Flags().BoolVar(&f.ordered, "ordered", false, "keep the order of each repository")
	complete(c, "retry", cobra.FixedCompletions([]cobra.Completion{string(webhook.RetryDefault), string(webhook.RetryNone)}, cobra.ShellCompDirectiveNoFileComp))
	for _, name := range []string{"timeout", "max-in-flight", "rate"} {
		complete(c, name, cobra.NoFileCompletions)
	}
}

// properties are those that were given on the command line; nil when none was.
func (f *deliveryFlags) properties(c *cobra.Command) (object, error) {
	p, given := object{}, c.Flags().Changed
	if f.format.word != "" {
		p["format"] = f.format.word
	}
	if given("retry") {
		policy, err := webhook.ParseRetry(f.retry)
		if err != nil {
			return nil, usage("--retry: %s", fault.All(err)[0].Message)
		}
		p["retry"] = policy.String()
	}
	if given("timeout") {
		seconds, err := parseTimeout(f.timeout)
		if err != nil {
			return nil, err
		}
		p["timeoutSeconds"] = seconds
	}
	for name, set := range map[string]func(){
		"max-in-flight": func() { p["maxInFlight"] = f.maxInFlight }, "rate": func() { p["rate"] = f.rate },
		"ordered": func() { p["ordered"] = f.ordered }, "signed": func() { p["signed"] = f.signed },
	} {
		if given(name) {
			set()
		}
	}
	if len(p) == 0 {
		return nil, nil
	}
	return p, nil
}

// parseTimeout reads whole seconds, with or without a unit.
func parseTimeout(text string) (seconds int, err error) {
	seconds, err = strconv.Atoi(text)
	if d, wrong := time.ParseDuration(text); wrong == nil && d%time.Second == 0 {
		seconds, err = int(d/time.Second), nil
	}
	if err != nil || seconds < int(webhook.MinTimeout/time.Second) || seconds > int(webhook.MaxTimeout/time.Second) {
		return 0, usage("--timeout is a time of whole seconds from 1s to 60s")
	}
	return seconds, nil
}

var deliveryColumns = []column{
	at("FORMAT", "format"), at("RETRY", "retry"), at("TIMEOUT", "timeoutSeconds"), at("IN FLIGHT", "maxInFlight"), at("RATE", "rate"),
	at("ORDERED", "ordered"), at("SIGNED", "signed"), at("PAUSED", "paused"),
}

var resumeColumns = []column{at("SENT", "sent"), at("DROPPED", "dropped")}

func webhookDelivery() *cobra.Command {
	return hookCall(&cobra.Command{
		Use:     "show-delivery --registry REGISTRY --name NAME",
		Short:   "Show how a webhook is delivered: format, retries, pace, order, pause",
		Example: "  dockbell webhook show-delivery -r mycontainerregistry -n deployhook -o yaml",
	}, http.MethodGet, "/delivery", deliveryColumns)
}

func webhookPause() *cobra.Command {
	var dryRun bool
	c := &cobra.Command{
		Use:   "pause --registry REGISTRY --name NAME [--dry-run]",
		Short: "Keep what fires a webhook until it is resumed; a ping still works",
		Long:  "Keeps what waits for a webhook and what fires it meanwhile until it is resumed. Nothing is lost by it, so it does not ask.",
		Example: "  dockbell webhook pause -r mycontainerregistry -n deployhook\n" +
			"  dockbell webhook pause -r mycontainerregistry -n deployhook --dry-run",
	}
	c.Flags().BoolVar(&dryRun, "dry-run", false, "count what waits now and would be kept: exit code 4 unless it is paused already")
	return hookCommand(c, true, func(ctx context.Context, a *client, at hookAt, out *output) error {
		reg, err := a.registry(ctx, at.target)
		if err != nil {
			return err
		}
		path := reg.webhook(at.name)
		if !dryRun {
			return a.showAnswer(ctx, question{method: http.MethodPost, path: path + "/pause"}, out, deliveryColumns)
		}
		now, err := a.delivery(ctx, reg, at.name)
		if err != nil {
			return err
		}
		waits, err := a.call(ctx, http.MethodPost, path+"/drop", object{"dryRun": true}) // the count alone
		if err == nil {
			err = out.show(waits, countColumns)
		}
		if err != nil || now.paused {
			return err
		}
		return changesPending{deliveries(countOf(waits)) + " would be kept"}
	})
}

func webhookResume() *cobra.Command {
	var f careful
	var rate int
	c := &cobra.Command{
		Use:   "resume --registry REGISTRY --name NAME [--send all|newest|none] [--rate N] [--dry-run] [--yes]",
		Short: "End a pause, and say what is sent of what waited",
		Long:  "Ends a pause. What waited is sent in order, or the newest of every tag alone, or not at all. On a terminal it counts and asks first.",
		Example: "  dockbell webhook resume -r mycontainerregistry -n deployhook --rate 60\n" +
			"  dockbell webhook resume -r mycontainerregistry -n deployhook --send newest --dry-run",
	}
	send := addOneOf(c, "send", "what is sent: all in order (the default), the newest of every tag, or none", string(delivery.SendAll), string(delivery.SendNewest), string(delivery.SendNone))
	c.Flags().IntVar(&rate, "rate", 0, "deliveries per minute of what waited; 0 is as fast as the webhook takes them")
	complete(c, "rate", cobra.NoFileCompletions)
	f.add(c)
	return hookCommand(c, true, func(ctx context.Context, a *client, at hookAt, out *output) error {
		reg, err := a.registry(ctx, at.target)
		if err != nil {
			return err
		}
		sent, dropped := numberAt("sent"), numberAt("dropped")
		answer, done, err := f.run(c, a, out, errand{
			path: reg.webhook(at.name) + "/resume", body: object{"send": orWord(send.word, string(delivery.SendAll)), "rate": rate}, columns: resumeColumns, always: true,
			many: func(o object) int { return sent(o) + dropped(o) },
			ask: func(o object) string {
				return fmt.Sprintf("Resume: send %s, drop %d?", deliveries(sent(o)), dropped(o))
			},
		})
		if err != nil || !done {
			return err
		}
		return out.show(answer, resumeColumns)
	})
}

// differences are the settings in which a wanted delivery differs; of a new webhook from the default.
func (d hookDelivery) differences(old hookDelivery) []fieldChange {
	if !d.given {
		return nil
	}
	var all []fieldChange
	before, after := old.words(), d.words()
	for i, key := range deliveryKeys {
		if before[i] != after[i] {
			all = append(all, fieldChange{"delivery " + key, before[i], after[i]})
		}
	}
	return all
}
