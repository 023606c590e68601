package store

import (
	"fmt"
	"testing"

	"dockbell/models/registry"
)

// TestACacheForgets: what changed is not given any more, nor remembered by whoever read it before; what another process changed is
// not told again.
func TestACacheForgets(t *testing.T) {
	var told []registry.Name
	db := &DB{}
	db.OnWebhooks(func(of ...registry.Name) { told = append(told, of...) })
	var c = &db.registries
	knows := func() bool { _, _, known := c.get(""); return known }
	for name, forget := range map[string]func(){
		"one": func() { c.forget("") }, "one, without a word": func() { c.drop("") }, "all": c.dropAll,
	} {
		_, turn, _ := c.get("")
		c.put("", turn, registriesRead{})
		if !knows() {
			t.Errorf("%s: what was put is not known", name)
		}
		_, turn, _ = c.get("")
		forget()
		if knows() {
			t.Errorf("%s: what was forgotten is known", name)
		}
		c.put("", turn, registriesRead{})
		if knows() {
			t.Errorf("%s: what was read before the change is remembered after it", name)
		}
	}
	for _, step := range []struct {
		do   func()
		told string
	}{
		{func() { db.hooks.forget() }, "[]"},
		{func() { db.Outdated("acme") }, "[]"},
		{func() { db.Outdated() }, "[]"},
		{func() { db.hooks.forget("acme", "other") }, "[acme other]"},
	} {
		turn := db.Turn()
		step.do()
		if fmt.Sprint(told) != step.told {
			t.Errorf("others are told of %v, want %s", told, step.told)
		}
		if db.Turn() == turn && step.told != "[]" {
			t.Error("a change does not count")
		}
	}
	turn := db.Turn()
	db.Outdated("acme")
	one := db.Turn()
	db.Outdated()
	if one == turn || db.Turn() == one {
		t.Error("a change by another process does not count")
	}
}
