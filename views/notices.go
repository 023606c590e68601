package views

import (
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"dockbell/models/delivery"
	"dockbell/models/notice"
	"dockbell/models/registry"
	"dockbell/models/webhook"
	"dockbell/views/ui"
)

// AllNoticesPath is the address of the notices of every registry.
const AllNoticesPath = "/notices"

// NoticesPath is the address of a registry's notices and of who is told of them; "" gives those of every registry.
func NoticesPath(r registry.Name) string {
	if r == "" {
		return AllNoticesPath
	}
	return RegistryPath(string(r)) + "/notices"
}

// Notices is a page of notices.
type Notices struct {
	Registry registry.Name // "": of every registry
	Page     notice.Page
	Seen     int64 // the newest that this person had seen before
	Now      time.Time
	Told     *NoticeForm // who is told; nil on the page of every registry
}

// NoticeForm chooses who is told of a registry's webhooks.
type NoticeForm struct {
	Registry   registry.Name
	Recipients string
	Webhook    string            // name; "": none
	Able       []webhook.Webhook // that notices can go through
	Mail       bool              // a mail server is configured
	Trouble    *notice.Mail      // the newest mail that was not taken
	MayWrite   bool
	Errors     map[string]string
	Now        time.Time
}

func (f NoticeForm) summary() []ui.FieldError {
	return summary(f.Errors, []ui.FieldError{{ID: "n-recipients", Label: "Mail to", Text: "recipients"}, {ID: "n-webhook", Label: "Through the webhook", Text: "webhook"}})
}

func (f NoticeForm) recipientsField() ui.Field {
	x := ui.Field{
		ID: "n-recipients", Name: "recipients", Label: "Mail to", Value: f.Recipients, Rows: 3, Error: f.Errors["recipients"], Autocomplete: "off",
		Hint: "One address per line. Each gets one mail per change.", Attrs: templ.Attributes{"spellcheck": "false", "placeholder": "ada@example.com"},
	}
	if !f.Mail {
		x.Hint = "Nothing is mailed yet: no mail server is configured (DOCKBELL_SMTP_URL)."
	}
	return x
}

func (f NoticeForm) webhookField() ui.Field {
	x := ui.Field{
		ID: "n-webhook", Name: "webhook", Label: "Through the webhook", Value: f.Webhook, Error: f.Errors["webhook"],
		Hint: "A webhook of this registry with the payload format Slack or Teams. It gets no notice about itself.",
	}
	if len(f.Able) == 0 {
		x.Hint = "No webhook of this registry has the payload format Slack or Teams yet."
	}
	return x
}

func (f NoticeForm) webhooks() []ui.Option {
	all := []ui.Option{{Value: "", Text: "None"}}
	for _, w := range f.Able {
		all = append(all, ui.Option{Value: string(w.Name), Text: string(w.Name)})
	}
	return all
}

// troubleWords say what became of the newest mail that was not taken.
func (f NoticeForm) troubleWords() string {
	if f.Trouble.Next.IsZero() {
		return "It is not tried again."
	}
	return "It is tried again " + ui.Until(f.Trouble.Next, f.Now) + "."
}

// RecipientLines are mail addresses as the form shows them.
func RecipientLines(recipients []string) string { return strings.Join(recipients, "\n") }

// noticeKind is a notice's pill: its look and its word.
func noticeKind(k notice.Kind) (kind, word string) {
	switch k {
	case notice.Failing:
		return "bad", "Began to fail"
	case notice.Disabled:
		return "off", "Disabled"
	default:
		return "", "Recovered"
	}
}

// noticeAnswer is what the attempt behind a notice came to.
func noticeAnswer(n notice.Notice) (code int, word string) {
	r := delivery.Result{Status: n.Status, Cause: delivery.Cause(n.Cause)}
	return r.Status, r.Word()
}

func noticeDelivery(n notice.Notice) string {
	return DeliveryPath(n.Registry, delivery.ID(n.DeliveryID))
}

// live has the newest page renew itself.
func (p Notices) live() templ.Attributes {
	if p.Page.Newer {
		return nil
	}
	return templ.Attributes{"hx-get": NoticesPath(p.Registry) + "?live=1", "hx-trigger": "every 10s", "hx-swap": "outerMorph"}
}

func (p Notices) at(side string, id int64) string {
	return NoticesPath(p.Registry) + "?" + side + "=" + strconv.FormatInt(id, 10)
}

func (p Notices) older() string {
	n := len(p.Page.Notices)
	if !p.Page.Older || n == 0 {
		return ""
	}
	return p.at("before", p.Page.Notices[n-1].ID)
}

func (p Notices) newer() string {
	if !p.Page.Newer || len(p.Page.Notices) == 0 {
		return ""
	}
	return p.at("after", p.Page.Notices[0].ID)
}

func (p Notices) footer() string {
	all := p.Page.Notices
	if len(all) == 0 {
		return "No notices"
	}
	return spanned(all[0].At, all[len(all)-1].At, p.Now, false)
}

// bellLabel says what the bell stands for.
func bellLabel(unseen int) string {
	if unseen == 0 {
		return "Notices"
	}
	return "Notices, " + bellCount(unseen) + " new"
}

// bellCount is the number at the bell; it has room for two digits.
func bellCount(unseen int) string {
	if unseen > 99 {
		return "99+"
	}
	return strconv.Itoa(unseen)
}
