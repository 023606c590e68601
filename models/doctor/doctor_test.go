package doctor

import (
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// sound is an installation of two machines with nothing to say of it.
func sound() Facts {
	member := func(host string) Member {
		return Member{
			ID: host, Host: host, Address: "10.0.0.1:8080", PublicURL: "https://bell.example.com", Version: "1.0", Blobs: "s3://layers",
			Disk: Disk{Free: 50 << 30, Size: 100 << 30}, Started: noon.Add(-time.Hour), Seen: noon.Add(-5 * time.Second),
		}
	}
	return Facts{Now: noon, Shared: true, Members: []Member{member("a"), member("b")}, Disk: Disk{Free: 50 << 30, Size: 100 << 30}}
}

func TestExamine(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Facts)
		wrong  bool
		want   string // in what the only finding says; empty: none
	}{
		{"sound", func(*Facts) {}, false, ""},
		{"silent", func(f *Facts) { f.Members[1].Seen = noon.Add(-3 * time.Minute) }, true, "on b at 10.0.0.1:8080 has not been heard of for 3 minutes"},
		{"member's clock", func(f *Facts) { f.Members[0].Skew = -time.Minute }, true, "clock of the server on a at 10.0.0.1:8080 is 60 seconds behind"},
		{"a second is fine", func(f *Facts) { f.Members[0].Skew = time.Second }, false, ""},
		{"own clock", func(f *Facts) { f.Skew = 3 * time.Hour }, true, "clock of this machine is 3 hours ahead of"},
		{"disk by share", func(f *Facts) { f.Disk.Free = 9 << 30 }, true, "disk of this machine is nearly full: 9216 MB of 102400 MB"},
		{"disk by size", func(f *Facts) { f.Disk = Disk{100 << 20, 200 << 20} }, true, "nearly full"},
		{"disk unknown", func(f *Facts) { f.Disk = Disk{-1, 0} }, false, ""},
		{"member's disk", func(f *Facts) { f.Members[1].Disk.Free = 0 }, true, "disk of the server on b"},
		{"addresses", func(f *Facts) { f.Members[1].PublicURL = "http://b" }, true, "different public addresses: http://b, https://bell.example.com"},
		{"places", func(f *Facts) { f.Members[1].Blobs = "/data/blobs" }, true, "cannot be pulled from another"},
		{"versions", func(f *Facts) { f.Members[1].Version = "1.1" }, false, "different versions: 1.0, 1.1"},
		{"no server, nothing waits", func(f *Facts) { f.Members = nil }, false, ""},
		{"no server, work waits", func(f *Facts) { f.Members = nil; f.Queue.Oldest = noon.Add(-time.Second) }, true, "no server runs"},
		{"a mail is tried again", func(f *Facts) { f.Mails.Untaken = []UntakenOf{{"acme", "The mail server is away.", noon}} }, true, "does not take a mail about the webhooks of acme. The mail server is away."},
		{"a mail was given up", func(f *Facts) {
			f.Mails.Untaken = []UntakenOf{{Registry: "acme", Problem: "There is no such recipient."}}
		}, false, "did not take a mail about the webhooks of acme. There is no such recipient."},
		{"mails that nobody sends", func(f *Facts) { f.Mails.Waiting, f.Mails.Oldest = 3, noon.Add(-time.Hour) }, true, "3 mails wait, the first of them for 60 minutes, and no server sends them"},
		{"mails on their way", func(f *Facts) { f.Mails.Waiting, f.Mails.Oldest = 3, noon.Add(-time.Minute) }, false, ""},
		{"a full source", func(f *Facts) { f.Full = []FullSource{{"acme", "edge", 10}} }, true, "The source edge of acme is full"},
		{"a retry is planned", func(f *Facts) { f.Members = nil; f.Queue.Oldest = noon.Add(time.Second) }, false, ""},
		{"late", func(f *Facts) { f.Queue.Oldest = noon.Add(-6 * time.Minute) }, true, "due for 6 minutes"},
		{"not late", func(f *Facts) { f.Queue.Oldest = noon.Add(-4 * time.Minute) }, false, ""},
		{"found outside", func(f *Facts) { f.Problems = []Finding{{Wrong: true, What: "The certificate ends."}} }, true, "The certificate ends."},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := sound()
			c.change(&f)
			got := Examine(f)
			if c.want == "" {
				if len(got) != 0 {
					t.Errorf("%+v", got)
				}
				return
			}
			if len(got) != 1 || !strings.Contains(got[0].What, c.want) || got[0].Wrong != c.wrong || Sick(got) != c.wrong {
				t.Errorf("%+v, want one that is wrong: %v, and says %q", got, c.wrong, c.want)
			}
			if len(got) == 1 && got[0].Next == "" && c.name != "found outside" {
				t.Error("it says not what to do")
			}
		})
	}
}

func TestWhatIsWrongComesFirst(t *testing.T) {
	f := sound()
	f.Members[1].Version, f.Disk.Free = "2", 0
	if got := Examine(f); len(got) != 2 || !got[0].Wrong || got[1].Wrong {
		t.Errorf("%+v", got)
	}
}
