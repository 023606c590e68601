package store

import (
	"context"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"dockbell/models/event"
	"dockbell/models/notice"
	"dockbell/models/registry"
	"dockbell/models/webhook"
)

type noticeRow struct {
	ID          int64 `gorm:"primaryKey;autoIncrement:false"`
	EventID     string
	Registry    string
	RegistryKey string
	WebhookID   string
	Webhook     string
	Kind        string
	At          int64
	Since       int64
	DeliveryID  int64
	Status      int64
	Cause       string
	Sentence    string
	PassedOn    int64
}

// TableName is GORM's question for the table.
func (noticeRow) TableName() string { return "notices" }

func (row noticeRow) notice() notice.Notice {
	return notice.Notice{
		ID: row.ID, EventID: event.ID(row.EventID), Registry: registry.Name(row.Registry), WebhookID: row.WebhookID, Webhook: webhook.Name(row.Webhook),
		Kind: notice.Kind(row.Kind), At: moment(row.At), Since: moment(row.Since), DeliveryID: row.DeliveryID, Status: int(row.Status),
		Cause: row.Cause, Sentence: row.Sentence,
	}
}

func noticesOf(rows []noticeRow) []notice.Notice {
	all := make([]notice.Notice, 0, len(rows))
	for _, row := range rows {
		all = append(all, row.notice())
	}
	return all
}

// Notices gives a page of them, newest first.
func (db *DB) Notices(ctx context.Context, f notice.Filter) (notice.Page, error) {
	query := func() *gorm.DB {
		q := db.read(ctx).Model(&noticeRow{})
		if f.Registry != "" {
			q = q.Where("registry_key = ?", f.Registry.Key())
		}
		return q
	}
	rows, older, newer, err := read[noticeRow](pager{query, "id", f.Before, f.After, f.Limit})
	if err != nil {
		return notice.Page{}, err
	}
	return notice.Page{Notices: noticesOf(rows), Older: older, Newer: newer}, nil
}

// mostUnseen is as far as unseen notices are counted.
const mostUnseen = 100

// Unseen counts the notices that somebody has not seen, of one registry or for "" of all; it stops at a hundred.
func (db *DB) Unseen(ctx context.Context, reader string, reg registry.Name) (int, error) {
	var n int64
	q := db.read(ctx).Model(&noticeRow{}).Select("1").Where("id > coalesce((select seen from notice_marks where reader = ?), 0)", reader)
	if reg != "" {
		q = q.Where("registry_key = ?", reg.Key())
	}
	err := db.read(ctx).Table("(?) as unseen", q.Limit(mostUnseen)).Count(&n).Error
	return int(n), translate(err)
}

// noticeMarkRow is up to which notice somebody has seen them.
type noticeMarkRow struct {
	Reader string `gorm:"primaryKey"`
	Seen   int64
}

// TableName is GORM's question for the table.
func (noticeMarkRow) TableName() string { return "notice_marks" }

// SeenUpTo gives the newest notice that somebody has seen; 0: none.
func (db *DB) SeenUpTo(ctx context.Context, reader string) (int64, error) {
	var rows []noticeMarkRow
	err := db.read(ctx).Where("reader = ?", reader).Limit(1).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return 0, translate(err)
	}
	return rows[0].Seen, nil
}

// MarkSeen says that somebody has seen the notices up to one.
func (db *DB) MarkSeen(ctx context.Context, reader string, upTo int64) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		return tx.Exec(`insert into notice_marks (reader, seen) values (?, ?) on conflict (reader) do update set
			seen = case when notice_marks.seen < excluded.seen then excluded.seen else notice_marks.seen end`, reader, upTo).Error
	})
}

// noticeSettingRow is who is told of the webhooks of a registry.
type noticeSettingRow struct {
	RegistryKey string `gorm:"primaryKey"`
	Recipients  string
	WebhookID   string
}

// TableName is GORM's question for the table.
func (noticeSettingRow) TableName() string { return "notice_settings" }

// NoticeSettings says who is told of the webhooks of a registry: nobody, unless somebody chose so.
func (db *DB) NoticeSettings(ctx context.Context, reg registry.Name) (notice.Settings, error) {
	return noticeSettingsIn(db.read(ctx), reg)
}

func noticeSettingsIn(tx *gorm.DB, reg registry.Name) (notice.Settings, error) {
	var s notice.Settings
	var rows []noticeSettingRow
	err := tx.Where("registry_key = ?", reg.Key()).Limit(1).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return s, translate(err)
	}
	s.WebhookID = rows[0].WebhookID
	return s, fromJSON(rows[0].Recipients, &s.Recipients)
}

// PutNoticeSettings chooses who is told.
func (db *DB) PutNoticeSettings(ctx context.Context, reg registry.Name, s notice.Settings) error {
	row := noticeSettingRow{RegistryKey: reg.Key(), Recipients: toJSON(append([]string{}, s.Recipients...)), WebhookID: s.WebhookID}
	return db.write(ctx, func(tx *gorm.DB) error {
		if _, err := registryIn(tx, reg); err != nil {
			return err
		}
		added := row
		return tx.Clauses(clause.OnConflict{
			Columns: []clause.Column{{Name: "registry_key"}}, DoUpdates: clause.AssignmentColumns([]string{"recipients", "webhook_id"}),
		}).Create(&added).Error
	})
}

// NewNotices gives the oldest notices of which mails and the delivery to another webhook are still to be made.
func (db *DB) NewNotices(ctx context.Context, most int) ([]notice.Notice, error) {
	var rows []noticeRow
	err := db.read(ctx).Where("passed_on = 0").Order("id").Limit(most).Find(&rows).Error
	return noticesOf(rows), translate(err)
}

// PassOn makes a mail of a notice for each recipient. A second time changes nothing: of two processes that do so one is too late.
func (db *DB) PassOn(ctx context.Context, n notice.Notice, recipients []string) error {
	recipients = slices.Clone(recipients)
	return db.write(ctx, func(tx *gorm.DB) error {
		done := tx.Exec("update notices set passed_on = 1 where id = ? and passed_on = 0", n.ID)
		if done.Error != nil || done.RowsAffected == 0 {
			return done.Error
		}
		for _, to := range recipients {
			row := mailRow{ID: int64(db.ids.Next()), NoticeID: n.ID, Recipient: to, Next: micros(db.now())}
			if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
				return err
			}
		}
		return nil
	})
}
