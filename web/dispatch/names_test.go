package dispatch

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// names is a name server on loopback that may lie: each query for a name gets the next of its replies, the last one for ever.
type names struct {
	conn    net.PacketConn
	fault   string // "timeout" never answers, "servfail" refuses
	replies map[string][][]string

	mu    sync.Mutex
	asked map[string]int
}

// lookUp starts a name server and gives a resolver that asks it alone.
func lookUp(t *testing.T, fault string, replies map[string][][]string) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &names{conn: conn, fault: fault, replies: replies, asked: map[string]int{}}
	var done sync.WaitGroup
	done.Go(n.serve)
	t.Cleanup(func() {
		conn.Close()
		done.Wait()
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func (n *names) serve() {
	buf := make([]byte, 1500)
	for {
		size, from, err := n.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if n.fault == "timeout" || m.Unpack(buf[:size]) != nil || len(m.Questions) != 1 {
			continue
		}
		n.reply(&m)
		if out, err := m.Pack(); err == nil {
			_, _ = n.conn.WriteTo(out, from)
		}
	}
}

// reply fills in the answer. A and AAAA are asked side by side: they count as one query.
func (n *names) reply(m *dnsmessage.Message) {
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	if n.fault == "servfail" {
		m.RCode = dnsmessage.RCodeServerFailure
		return
	}
	q := m.Questions[0]
	name := strings.TrimSuffix(q.Name.String(), ".")
	replies := n.replies[name]
	n.mu.Lock()
	at := min(n.asked[name], len(replies)-1)
	if q.Type == dnsmessage.TypeA {
		n.asked[name]++
	}
	n.mu.Unlock()
	if at < 0 || len(replies[at]) == 0 {
		m.RCode = dnsmessage.RCodeNameError
		return
	}
	for _, entry := range replies[at] {
		head := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET}
		addr, err := netip.ParseAddr(entry)
		switch {
		case err != nil:
			target := dnsmessage.MustNewName(strings.TrimPrefix(entry, "CNAME ") + ".")
			head.Type = dnsmessage.TypeCNAME
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.CNAMEResource{CNAME: target}})
			q.Name = target
		case addr.Is4() && q.Type == dnsmessage.TypeA:
			head.Type = dnsmessage.TypeA
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: addr.As4()}})
		case addr.Is6() && q.Type == dnsmessage.TypeAAAA:
			head.Type = dnsmessage.TypeAAAA
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}})
		}
	}
}
