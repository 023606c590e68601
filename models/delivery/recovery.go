package delivery

import (
	"context"
	"time"

	"dockbell/models/audit"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/webhook"
)

// Recoverable is what a recovery of a webhook sends again, in numbers.
type Recoverable struct {
	Failed  int // deliveries whose schedule is used up
	Waiting int // deliveries that wait for a retry, which then comes at once
}

// Total is all of them.
func (r Recoverable) Total() int { return r.Failed + r.Waiting }

// Recovery is the last recovery of a webhook, and what became so far of the deliveries that it sent again.
type Recovery struct {
	HookID    string
	Since     time.Time // what failed from then on; zero: ever
	Started   time.Time
	By        string
	Total     int
	Delivered int
	Failed    int // tried again, and failed: for good or until their next retry
	Waiting   int // not tried again yet
}

// Runs reports whether some of it was not tried yet.
func (r Recovery) Runs() bool { return r.Waiting > 0 }

// Dropped are those that were cancelled before they were tried.
func (r Recovery) Dropped() int { return r.Total - r.Delivered - r.Failed - r.Waiting }

// Recover sends again, step by step, what failed of a webhook since a moment (the zero time: ever) and what waits for a retry. It
// says how many they are; with an error, how many were sent again before it.
func (o *Outbox) Recover(ctx context.Context, reg registry.Name, name webhook.Name, since time.Time, by string) (int, error) {
	hook, err := o.Store.Webhook(ctx, reg, name)
	if err != nil {
		return 0, err
	}
	if hook.Status == webhook.Disabled {
		return 0, fault.New(fault.Conflict, "The webhook %s is disabled. Enable it, then recover what failed.", hook.Name)
	}
	for n := 1; n > 0; {
		if n, err = o.Store.ForgetRecovered(ctx, hook.ID); err != nil {
			return 0, err
		}
	}
	now, all := o.Now(), 0
	changes := []audit.Change{{Field: "since", To: sinceWord(since)}}
	noted := audit.Note(ctx, audit.Entry{Action: "webhook.recover", Registry: string(hook.Registry), Object: string(hook.Name), Changes: changes})
	if err := o.Store.BeginRecovery(noted, Recovery{HookID: hook.ID, Since: since, Started: now, By: by}); err != nil {
		return 0, err
	}
	for {
		n, err := o.Store.Recover(ctx, hook.ID, since, now)
		all += n
		if n > 0 {
			o.wake()
			o.tell(Update{Registry: hook.Registry, WebhookID: hook.ID})
		}
		if err != nil || n == 0 {
			return all, err
		}
	}
}

func sinceWord(since time.Time) string {
	if since.IsZero() {
		return "ever"
	}
	return since.UTC().Format(time.RFC3339)
}
