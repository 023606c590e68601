package main

import (
	"database/sql"
	"fmt"
	"net/http"
	"syscall"
	"testing"

	"dockbell/models/store/storetest"
)

// claimedAhead is a webhook of which a machine has calls under way and more claimed behind them.
type claimedAhead struct {
	*hanging
	t    *testing.T
	db   *sql.DB
	name string
}

const (
	made     = 12
	underway = inFlight + 1 // one answer came quickly, so one more goes at once
)

// claimAhead makes the webhook on a machine that has all the work.
func claimAhead(t *testing.T, p *process, db *sql.DB, name string) *claimedAhead {
	t.Helper()
	c := &claimedAhead{newHanging(t), t, db, name}
	c.letGo()
	repo := "team/" + name
	p.browser().Send(hooksPath, hookForm(name, c.url, "scope", repo+":*")).LeadsLike(hooksPath)
	p.push(repo, "first", "layer").wants(http.StatusCreated)
	until(t, "the receiver is known to be quick", func() bool { return c.has("state = 'delivered'") == 1 })
	c.hold()
	for n := range made {
		p.push(repo, fmt.Sprint("v", n), "layer").wants(http.StatusCreated)
	}
	until(t, "all are claimed, and some under way", func() bool { return c.claimed() == made && c.count() == 1+underway })
	return c
}

// has is how many deliveries of the webhook are like this.
func (c *claimedAhead) has(which string) int64 {
	c.t.Helper()
	return rows(c.t, c.db, "select id from deliveries where webhook = '"+c.name+"' and "+which)
}

func (c *claimedAhead) claimed() int64 { return c.has("claimed <> 0") }

// TestAChangeOnOneMachineHoldsOnTheOther: one machine has calls of a webhook under way and more claimed behind them, when the webhook
// is changed on the other one. What is under way ends; what is claimed is given back at once, and not sent as the webhook was.
func TestAChangeOnOneMachineHoldsOnTheOther(t *testing.T) {
	storetest.OnPostgres(t, func(t *testing.T, dsn string) {
		one, two := twoOf(t, program(t), dsn)
		db, err := sql.Open("pgx", dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		elsewhere := newHanging(t)
		elsewhere.letGo()
		for name, c := range map[string]struct {
			path   string
			form   []string
			states string // of what was given back, in the end
			n      int64
		}{
			"disabled": {path: "/disable", states: "cancelled", n: made - underway},
			"paused":   {path: "/pause", states: "pending", n: made - underway},
			"deleted":  {path: "/delete", form: []string{"confirm", "deleted"}, states: "cancelled", n: made - underway},
			"edited":   {form: []string{"version", "1"}, states: "delivered", n: 1 + made},
		} {
			t.Run(name, func(t *testing.T) {
				one.signal(syscall.SIGSTOP) // so that the other one has the work
				h := claimAhead(t, two, db, name)
				var last int64 // an edited webhook's deliveries are claimed anew at once: only earlier claims count
				if err := db.QueryRow("select max(claimed) from deliveries").Scan(&last); err != nil {
					t.Fatal(err)
				}
				one.signal(syscall.SIGCONT)
				one.browser().Send(hooksPath+"/"+name+c.path, hookForm(name, elsewhere.url, append(c.form, "scope", "team/"+name+":*")...)).Status(http.StatusSeeOther)
				until(t, "what was claimed is given back", func() bool { return h.has(fmt.Sprint("claimed <> 0 and claimed <= ", last)) == underway })
				h.letGo()
				until(t, "the rest is "+c.states, func() bool { return h.claimed() == 0 && h.has("state = '"+c.states+"'") == c.n })
				if calls := h.count(); calls != 1+underway {
					t.Errorf("%d calls came, want the first one and the %d that were under way", calls, underway)
				}
			})
		}
	})
}

// TestAMachineThatIsNotToldSendsOn is the control: a webhook is changed in the database without a word, and what is claimed for it stays
// claimed, whatever else the machine does.
func TestAMachineThatIsNotToldSendsOn(t *testing.T) {
	storetest.OnPostgres(t, func(t *testing.T, dsn string) {
		t.Setenv("DOCKBELL_DATABASE", dsn)
		p := startProcess(t, t.TempDir()+"/data")
		db, err := sql.Open("pgx", dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		pinged := newHanging(t)
		pinged.letGo()
		p.browser().Send(hooksPath, hookForm("pinged", pinged.url, "scope", "other:*")).LeadsLike(hooksPath)
		h := claimAhead(t, p, db, "unaware")
		rows(t, db, "update webhooks set status = 'disabled', version = version + 1 where name = 'unaware'")
		p.browser().Post(hooksPath + "/pinged/ping")
		until(t, "another webhook is called", func() bool { return pinged.count() == 1 })
		if got := h.claimed(); got != made {
			t.Errorf("%d deliveries are claimed, want all %d", got, made)
		}
	})
}
