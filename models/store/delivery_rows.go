package store

import (
	"time"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/registry"
	"dockbell/models/webhook"
)

// bodyRow is the bytes that one or more deliveries send.
type bodyRow struct {
	ID   int64 `gorm:"primaryKey;autoIncrement:false"`
	Body []byte
}

// TableName is GORM's question for the table.
func (bodyRow) TableName() string { return "bodies" }

type deliveryRow struct {
	ID             int64 `gorm:"primaryKey;autoIncrement:false"`
	EventID        string
	Registry       string
	RegistryKey    string
	WebhookID      string
	Webhook        string
	Action         string
	Repository     string
	Tag            string
	Digest         string
	ImageID        int64
	BodyID         int64
	State          string
	Attempts       int64
	Retries        int64
	Next           int64
	Claimed        int64
	Created        int64
	Class          string
	LastStatus     int64
	LastCause      string
	LastDurationUS int64 `gorm:"column:last_duration_us"`
	LastAt         int64
	Lane           string
}

// TableName is GORM's question for the table.
func (deliveryRow) TableName() string { return "deliveries" }

func rowOfDelivery(del delivery.Delivery, bodyID delivery.ID, image int64) deliveryRow {
	return deliveryRow{
		ID: int64(del.ID), EventID: string(del.EventID), Registry: string(del.Registry), RegistryKey: del.Registry.Key(),
		WebhookID: del.WebhookID, Webhook: string(del.Webhook), Action: string(del.Action),
		Repository: plainText(del.Image.Repository), Tag: plainText(del.Image.Tag), Digest: plainText(del.Image.Digest),
		ImageID: image, BodyID: int64(bodyID), State: string(del.State), Attempts: int64(del.Attempts), Retries: int64(del.Retries),
		Next: micros(del.Next), Created: micros(del.Created), Lane: plainText(del.Lane),
	}
}

// delivery gives the delivery without its body. While an attempt runs nothing further is planned.
func (row deliveryRow) delivery() delivery.Delivery {
	del := delivery.Delivery{
		ID: delivery.ID(row.ID), EventID: event.ID(row.EventID), Registry: registry.Name(row.Registry),
		WebhookID: row.WebhookID, Webhook: webhook.Name(row.Webhook), Action: event.Action(row.Action),
		Image: delivery.Image{Repository: row.Repository, Tag: row.Tag, Digest: row.Digest}, Lane: row.Lane,
		State: delivery.State(row.State), Attempts: int(row.Attempts), Retries: int(row.Retries), Created: moment(row.Created),
		Last: resultOf(row.LastStatus, row.LastCause, row.LastDurationUS, row.LastAt),
	}
	if row.Claimed == 0 {
		del.Next = moment(row.Next)
	}
	return del
}

func resultOf(status int64, cause string, durationUS, at int64) delivery.Result {
	return delivery.Result{
		Status: int(status), Cause: delivery.Cause(cause), Duration: time.Duration(durationUS) * time.Microsecond, At: moment(at),
	}
}

// classOf is the status class under which a finished attempt is found.
func classOf(r delivery.Result) delivery.StatusClass {
	switch {
	case r.At.IsZero():
		return delivery.AnyClass
	case r.Status >= 200 && r.Status <= 299:
		return delivery.Class2xx
	case r.Status >= 300 && r.Status <= 399:
		return delivery.Class3xx
	case r.Status >= 400 && r.Status <= 499:
		return delivery.Class4xx
	case r.Status >= 500:
		return delivery.Class5xx
	default:
		return delivery.NoAnswer
	}
}

type attemptRow struct {
	DeliveryID      int64 `gorm:"primaryKey;autoIncrement:false"`
	Number          int64 `gorm:"primaryKey;autoIncrement:false"`
	Started         int64
	DurationUS      int64 `gorm:"column:duration_us"`
	DNSUS           int64 `gorm:"column:dns_us"`
	ConnectUS       int64 `gorm:"column:connect_us"`
	TLSUS           int64 `gorm:"column:tls_us"`
	FirstByteUS     int64 `gorm:"column:first_byte_us"`
	RemoteAddr      string
	RequestURI      string `gorm:"column:request_uri"`
	RequestHeaders  string
	Status          int64
	StatusText      string
	Proto           string
	ResponseHeaders string
	ResponseBody    []byte
	Truncated       int64
	Cause           string
	Sentence        string
	RetryAfterUS    int64 `gorm:"column:retry_after_us"`
	CertExpires     int64
}

// TableName is GORM's question for the table.
func (attemptRow) TableName() string { return "attempts" }

func rowOfAttempt(a delivery.Attempt) attemptRow {
	body := a.ResponseBody
	if body == nil {
		body = []byte{}
	}
	return attemptRow{
		DeliveryID: int64(a.DeliveryID), Number: int64(a.Number), Started: micros(a.Started), DurationUS: a.Duration.Microseconds(),
		DNSUS: a.Phases.DNS.Microseconds(), ConnectUS: a.Phases.Connect.Microseconds(), TLSUS: a.Phases.TLS.Microseconds(),
		FirstByteUS: a.Phases.FirstByte.Microseconds(), RemoteAddr: plainText(a.RemoteAddr),
		RequestURI: plainText(a.RequestURI), RequestHeaders: toJSON(headersJSON(a.RequestHeaders)),
		Status: int64(a.Status), StatusText: plainText(a.StatusText), Proto: plainText(a.Proto),
		ResponseHeaders: toJSON(headersJSON(a.ResponseHeaders)), ResponseBody: body, Truncated: flag(a.Truncated),
		Cause: string(a.Cause), Sentence: plainText(a.Sentence), RetryAfterUS: a.RetryAfter.Microseconds(), CertExpires: micros(a.CertExpires),
	}
}

func (row attemptRow) attempt() (delivery.Attempt, error) {
	span := func(us int64) time.Duration { return time.Duration(us) * time.Microsecond }
	a := delivery.Attempt{
		DeliveryID: delivery.ID(row.DeliveryID), Number: int(row.Number), Started: moment(row.Started), Duration: span(row.DurationUS),
		Phases:     delivery.Phases{DNS: span(row.DNSUS), Connect: span(row.ConnectUS), TLS: span(row.TLSUS), FirstByte: span(row.FirstByteUS)},
		RemoteAddr: row.RemoteAddr, RequestURI: row.RequestURI, Status: int(row.Status), StatusText: row.StatusText, Proto: row.Proto,
		ResponseBody: row.ResponseBody, Truncated: row.Truncated != 0, Cause: delivery.Cause(row.Cause), Sentence: row.Sentence,
		RetryAfter: span(row.RetryAfterUS), CertExpires: moment(row.CertExpires),
	}
	var err error
	if a.RequestHeaders, err = headersOf(row.RequestHeaders); err != nil {
		return a, err
	}
	a.ResponseHeaders, err = headersOf(row.ResponseHeaders)
	return a, err
}

func headersJSON(headers []delivery.Header) []headerJSON {
	all := make([]headerJSON, 0, len(headers))
	for _, h := range headers {
		all = append(all, headerJSON{plainText(h.Name), plainText(h.Value)})
	}
	return all
}

func headersOf(text string) ([]delivery.Header, error) {
	var list []headerJSON
	if err := fromJSON(text, &list); err != nil {
		return nil, err
	}
	var headers []delivery.Header
	for _, h := range list {
		headers = append(headers, delivery.Header(h))
	}
	return headers, nil
}
