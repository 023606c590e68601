package store

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"dockbell/models/delivery"
	"dockbell/models/fault"
	"dockbell/models/registry"
)

type inboxRow struct {
	Token        string `gorm:"primaryKey"`
	Registry     string
	RegistryKey  string
	Created      int64
	AnswerStatus int64
	AnswerDelay  int64
}

// TableName is GORM's question for the table.
func (inboxRow) TableName() string { return "inboxes" }

func (row inboxRow) inbox() delivery.Inbox {
	return delivery.Inbox{
		Token: row.Token, Registry: registry.Name(row.Registry), Created: moment(row.Created),
		Answer: delivery.Answer{Status: int(row.AnswerStatus), Delay: time.Duration(row.AnswerDelay) * time.Microsecond},
	}
}

func noInbox() error {
	return &fault.Error{Code: fault.NotFound, Field: "inbox", Message: "There is no such inbox, or not any more."}
}

// AddInbox stores a new inbox; LimitReached when its registry has most already.
func (db *DB) AddInbox(ctx context.Context, box delivery.Inbox, most int) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		reg, err := lockRegistry(tx, box.Registry)
		if err != nil {
			return err
		}
		var have int64
		if err := tx.Model(&inboxRow{}).Where("registry_key = ?", reg.NameKey).Count(&have).Error; err != nil {
			return err
		}
		if have >= int64(most) {
			return fault.New(fault.LimitReached, "A registry has at most %d inboxes, and %s has %d. Delete one that is not needed any more.", most, reg.Name, have)
		}
		row := inboxRow{
			Token: box.Token, Registry: reg.Name, RegistryKey: reg.NameKey, Created: micros(box.Created),
			AnswerStatus: int64(box.Answer.Status), AnswerDelay: box.Answer.Delay.Microseconds(),
		}
		return tx.Create(&row).Error
	})
}

// Inbox gives an inbox by its token; NotFound at field "inbox".
func (db *DB) Inbox(ctx context.Context, token string) (delivery.Inbox, error) {
	var rows []inboxRow
	if err := db.read(ctx).Where("token = ?", plainText(token)).Limit(1).Find(&rows).Error; err != nil {
		return delivery.Inbox{}, translate(err)
	}
	if len(rows) == 0 {
		return delivery.Inbox{}, noInbox()
	}
	return rows[0].inbox(), nil
}

// Inboxes gives a registry's inboxes, newest first.
func (db *DB) Inboxes(ctx context.Context, name registry.Name) ([]delivery.Inbox, error) {
	var rows []inboxRow
	err := db.read(ctx).Where("registry_key = ?", name.Key()).Order("created desc, token").Find(&rows).Error
	if err != nil {
		return nil, translate(err)
	}
	all := make([]delivery.Inbox, 0, len(rows))
	for _, row := range rows {
		all = append(all, row.inbox())
	}
	return all, nil
}

// SetInboxAnswer changes what an inbox answers from now on.
func (db *DB) SetInboxAnswer(ctx context.Context, token string, a delivery.Answer) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		done := tx.Model(&inboxRow{}).Where("token = ?", token).
			Updates(map[string]any{"answer_status": a.Status, "answer_delay": a.Delay.Microseconds()})
		return orMissing(done, noInbox())
	})
}

// DeleteInbox removes an inbox with what came to it.
func (db *DB) DeleteInbox(ctx context.Context, token string) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		return orMissing(tx.Where("token = ?", token).Delete(&inboxRow{}), noInbox())
	})
}

// KeepReceived stores a request that came to an inbox, gives it its ID and forgets all but the newest keeps.
func (db *DB) KeepReceived(ctx context.Context, token string, r delivery.Received, keeps int) (delivery.Received, error) {
	r.ID = int64(db.ids.Next())
	row := rowOfReceived(token, r)
	err := db.write(ctx, func(tx *gorm.DB) error {
		added := row
		if err := tx.Create(&added).Error; err != nil {
			if errors.Is(err, gorm.ErrForeignKeyViolated) {
				return noInbox()
			}
			return err
		}
		newest := tx.Model(&receivedRow{}).Select("id").Where("token = ?", token).Order("id desc").Offset(keeps).Limit(1)
		return tx.Where("token = ? and id <= (?)", token, newest).Delete(&receivedRow{}).Error
	})
	return r, err
}

// Received gives what came to an inbox, newest first: n requests older than before, or the newest when before is 0.
func (db *DB) Received(ctx context.Context, token string, before int64, n int) ([]delivery.Received, error) {
	query := db.read(ctx).Where("token = ?", token)
	if before > 0 {
		query = query.Where("id < ?", before)
	}
	var rows []receivedRow
	if err := query.Order("id desc").Limit(n).Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	all := make([]delivery.Received, 0, len(rows))
	for _, row := range rows {
		r, err := row.received()
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

type receivedRow struct {
	Token   string
	ID      int64 `gorm:"autoIncrement:false"`
	At      int64
	Method  string
	Query   string
	Addr    string
	Headers string
	Body    []byte
	Status  int64
}

// TableName is GORM's question for the table.
func (receivedRow) TableName() string { return "received" }

func rowOfReceived(token string, r delivery.Received) receivedRow {
	body := r.Body
	if body == nil {
		body = []byte{}
	}
	return receivedRow{
		Token: token, ID: r.ID, At: micros(r.At), Method: plainText(r.Method), Query: plainText(r.Query), Addr: plainText(r.Addr),
		Headers: toJSON(headersJSON(r.Headers)), Body: body, Status: int64(r.Status),
	}
}

func (row receivedRow) received() (delivery.Received, error) {
	r := delivery.Received{
		ID: row.ID, At: moment(row.At), Method: row.Method, Query: row.Query, Addr: row.Addr, Body: row.Body, Status: int(row.Status),
	}
	var err error
	r.Headers, err = headersOf(row.Headers)
	return r, err
}
