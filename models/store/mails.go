package store

import (
	"context"
	"database/sql"
	"time"

	"gorm.io/gorm"

	"dockbell/models/doctor"
	"dockbell/models/notice"
	"dockbell/models/registry"
)

type mailRow struct {
	ID        int64 `gorm:"primaryKey;autoIncrement:false"`
	NoticeID  int64
	Recipient string
	Attempts  int64
	Next      int64
	Sent      int64
	Problem   string
}

// TableName is GORM's question for the table.
func (mailRow) TableName() string { return "mails" }

// ClaimMail takes the mail that is due longest, for as long as a lease; whoever dies loses it to others then. The attempt is counted.
// ok is false when none is due.
func (db *DB) ClaimMail(ctx context.Context, lease time.Duration) (m notice.Mail, ok bool, err error) {
	err = db.write(ctx, func(tx *gorm.DB) error {
		m, ok = notice.Mail{}, false
		s, now := db.sql(tx), db.now()
		var rows []mailRow
		err := tx.Raw("update mails set attempts = attempts + 1, next = ? where id in (select id from mails where next <> 0 and next <= ? order by next, id limit 1"+
			s.skipLocked()+") returning *", micros(now.Add(lease)), micros(now)).Scan(&rows).Error
		if err != nil || len(rows) == 0 {
			return err
		}
		var about noticeRow
		if err := tx.Where("id = ?", rows[0].NoticeID).Take(&about).Error; err != nil {
			return err
		}
		m, ok = notice.Mail{ID: rows[0].ID, Notice: about.notice(), To: rows[0].Recipient, Attempts: int(rows[0].Attempts)}, true
		return nil
	})
	return m, ok && err == nil, err
}

// MailSent says that the mail server took a mail.
func (db *DB) MailSent(ctx context.Context, id int64) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("update mails set next = 0, sent = ?, problem = '' where id = ?", micros(db.now()), id).Error
	})
}

// MailFailed says why a mail was not taken, and when to try again; the zero time is never.
func (db *DB) MailFailed(ctx context.Context, id int64, problem string, again time.Time) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("update mails set next = ?, problem = ? where id = ?", micros(again), plainText(problem), id).Error
	})
}

// NextMail says when the next mail is due; zero when none waits.
func (db *DB) NextMail(ctx context.Context) (time.Time, error) {
	var at int64
	err := db.read(ctx).Raw("select coalesce(min(next), 0) from mails where next <> 0").Scan(&at).Error
	return moment(at), translate(err)
}

// untaken are mails that the mail server did not take, unless the same person got a later one about the same registry.
const untaken = `from mails join notices on notices.id = mails.notice_id
	where mails.sent = 0 and mails.problem <> '' and not exists (
		select 1 from mails as later join notices as of on of.id = later.notice_id
		where of.registry_key = notices.registry_key and later.recipient = mails.recipient and later.sent <> 0 and later.notice_id > mails.notice_id
	)`

// MailTrouble gives the newest mail about a registry's webhooks that the mail server did not take; ok is false when there is none, or
// the same person got a later one.
func (db *DB) MailTrouble(ctx context.Context, reg registry.Name) (m notice.Mail, ok bool, err error) {
	var rows []mailRow
	err = db.read(ctx).Raw("select mails.* "+untaken+" and notices.registry_key = ? order by mails.id desc limit 1", reg.Key()).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return m, false, translate(err)
	}
	row := rows[0]
	return notice.Mail{ID: row.ID, To: row.Recipient, Attempts: int(row.Attempts), Problem: row.Problem, Next: moment(row.Next)}, true, nil
}

// Mails says what is wrong with mailing notices.
func (db *DB) Mails(ctx context.Context) (all doctor.Mails, err error) {
	s := db.sql(db.read(ctx))
	err = s.query(func(row *sql.Rows) error {
		var oldest int64
		err := row.Scan(&all.Waiting, &oldest)
		all.Oldest = moment(oldest)
		return err
	}, "select count(*), coalesce(min(next), 0) from mails where next <> 0")
	if err != nil {
		return all, translate(err)
	}
	err = s.query(func(row *sql.Rows) error {
		var m doctor.UntakenOf
		var next int64
		err := row.Scan(&m.Registry, &m.Problem, &next)
		m.Next = moment(next)
		all.Untaken = append(all.Untaken, m)
		return err
	}, "select notices.registry, mails.problem, mails.next from mails join notices on notices.id = mails.notice_id where mails.id in (select max(mails.id) "+
		untaken+" group by notices.registry_key) order by notices.registry_key")
	return all, translate(err)
}

// FullSources gives the sources of events of which as much is kept as may be, by name.
func (db *DB) FullSources(ctx context.Context) ([]doctor.FullSource, error) {
	all, err := db.Sources(ctx)
	var full []doctor.FullSource
	for _, s := range all {
		if s.Full(s.Counts.Kept) {
			full = append(full, doctor.FullSource{Registry: s.Registry, Name: string(s.Name), Space: s.Space})
		}
	}
	return full, err
}
