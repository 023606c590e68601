package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"dockbell/models/account"
	"dockbell/models/fault"
)

type grantRow struct {
	ID         string `gorm:"primaryKey"`
	Kind       string
	Subject    string
	Name       string
	Method     string
	Client     string
	Agent      string
	Addr       string
	Stamp      string
	Generation int64
	Rotated    int64
	Created    int64
	Used       int64
	Expires    int64
}

// TableName is GORM's question for the table.
func (grantRow) TableName() string { return "grants" }

func rowOfGrant(g account.Grant) grantRow {
	return grantRow{
		ID: g.ID, Kind: string(g.Kind), Subject: g.Subject, Name: plainText(g.Name), Method: string(g.Method),
		Client: plainText(g.Asker.Client), Agent: plainText(g.Asker.Agent), Addr: g.Asker.Addr, Stamp: g.Stamp,
		Generation: int64(g.Generation), Rotated: micros(g.Rotated), Created: micros(g.Created), Used: micros(g.Used), Expires: micros(g.Expires),
	}
}

func (row grantRow) grant() account.Grant {
	return account.Grant{
		ID: row.ID, Kind: account.Kind(row.Kind), Subject: row.Subject, Name: row.Name, Method: account.Method(row.Method),
		Asker: account.Asker{Client: row.Client, Agent: row.Agent, Addr: row.Addr}, Stamp: row.Stamp,
		Generation: int(row.Generation), Rotated: moment(row.Rotated), Created: moment(row.Created), Used: moment(row.Used), Expires: moment(row.Expires),
	}
}

func noGrant() error {
	return &fault.Error{Code: fault.NotFound, Field: "sign-in", Message: "There is no such sign-in, or not any more."}
}

// AddGrant stores a new sign-in; those that expired go with it.
func (db *DB) AddGrant(ctx context.Context, g account.Grant) error {
	now := micros(db.now())
	return db.write(ctx, func(tx *gorm.DB) error {
		if err := tx.Where("expires <= ?", now).Delete(&grantRow{}).Error; err != nil {
			return err
		}
		row := rowOfGrant(g)
		return tx.Create(&row).Error
	})
}

// Grant gives one sign-in.
func (db *DB) Grant(ctx context.Context, id string) (account.Grant, error) {
	row, err := grantIn(db.read(ctx), id)
	return row.grant(), translate(err)
}

func grantIn(tx *gorm.DB, id string) (grantRow, error) {
	var rows []grantRow
	if err := tx.Where("id = ?", plainText(id)).Limit(1).Find(&rows).Error; err != nil {
		return grantRow{}, err
	}
	if len(rows) == 0 {
		return grantRow{}, noGrant()
	}
	return rows[0], nil
}

// Grants gives the sign-ins of one subject, or all for "", the newest first.
func (db *DB) Grants(ctx context.Context, subject string) ([]account.Grant, error) {
	query := db.read(ctx).Order("created desc, id")
	if subject != "" {
		query = query.Where("subject = ?", subject)
	}
	var rows []grantRow
	if err := query.Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	all := make([]account.Grant, 0, len(rows))
	for _, row := range rows {
		all = append(all, row.grant())
	}
	return all, nil
}

// ChangeGrant stores what change makes of a sign-in; nothing when it refuses.
func (db *DB) ChangeGrant(ctx context.Context, id string, change func(*account.Grant) error) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		row, err := grantIn(locked(tx), id)
		if err != nil {
			return err
		}
		g := row.grant()
		if err := change(&g); err != nil {
			return err
		}
		row = rowOfGrant(g)
		return tx.Model(&grantRow{}).Where("id = ?", id).Select("*").Updates(&row).Error
	})
}

// DeleteGrant ends a sign-in.
func (db *DB) DeleteGrant(ctx context.Context, id string) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		return orMissing(tx.Where("id = ?", plainText(id)).Delete(&grantRow{}), noGrant())
	})
}

type codeRow struct {
	ID        string `gorm:"primaryKey"`
	Method    string
	UserCode  string
	Client    string
	Agent     string
	Addr      string
	Redirect  string
	State     string
	Challenge string
	Nonce     string
	Status    string
	UserID    string
	GrantID   string
	Polled    int64
	PollEvery int64
	Created   int64
	Expires   int64
}

// TableName is GORM's question for the table.
func (codeRow) TableName() string { return "codes" }

func rowOfCode(c account.Code) codeRow {
	return codeRow{
		ID: c.ID, Method: string(c.Method), UserCode: c.UserCode, Client: plainText(c.Asker.Client), Agent: plainText(c.Asker.Agent),
		Addr: c.Asker.Addr, Redirect: plainText(c.Redirect), State: plainText(c.State), Challenge: c.Challenge, Nonce: plainText(c.Nonce),
		Status: string(c.Status), UserID: c.User, GrantID: c.Grant,
		Polled: micros(c.Polled), PollEvery: c.Interval.Microseconds(), Created: micros(c.Created), Expires: micros(c.Expires),
	}
}

func (row codeRow) code() account.Code {
	return account.Code{
		ID: row.ID, Method: account.Method(row.Method), UserCode: row.UserCode,
		Asker:    account.Asker{Client: row.Client, Agent: row.Agent, Addr: row.Addr},
		Redirect: row.Redirect, State: row.State, Challenge: row.Challenge, Nonce: row.Nonce,
		Status: account.CodeStatus(row.Status), User: row.UserID, Grant: row.GrantID,
		Polled: moment(row.Polled), Interval: time.Duration(row.PollEvery) * time.Microsecond, Created: moment(row.Created), Expires: moment(row.Expires),
	}
}

func noCode() error {
	return &fault.Error{Code: fault.NotFound, Field: "code", Message: "There is no such code, or not any more."}
}

// codeKept is how long a code that has expired is still known as such.
const codeKept = time.Hour

// AddCode stores a new code unless too many of its address wait for an answer; those that expired long ago go with it.
func (db *DB) AddCode(ctx context.Context, c account.Code, waiting int) error {
	now := db.now()
	return db.write(ctx, func(tx *gorm.DB) error {
		if err := tx.Where("expires <= ?", micros(now.Add(-codeKept))).Delete(&codeRow{}).Error; err != nil {
			return err
		}
		var n int64
		err := tx.Model(&codeRow{}).Where("addr = ? and status = ? and expires > ?", c.Asker.Addr, string(account.CodeWaiting), micros(now)).Count(&n).Error
		if err != nil {
			return err
		}
		if n >= int64(waiting) {
			return fault.New(fault.LimitReached, "Too many sign-ins from your address wait for an answer. Try again in a minute.").After(time.Minute)
		}
		row := rowOfCode(c)
		return tx.Create(&row).Error
	})
}

// Code gives a code by its id.
func (db *DB) Code(ctx context.Context, id string) (account.Code, error) {
	row, err := codeIn(db.read(ctx), "id = ?", id)
	return row.code(), translate(err)
}

// CodeOfUser gives a code by what people type.
func (db *DB) CodeOfUser(ctx context.Context, userCode string) (account.Code, error) {
	row, err := codeIn(db.read(ctx), "user_code = ? and user_code <> ''", userCode)
	return row.code(), translate(err)
}

func codeIn(tx *gorm.DB, where, value string) (codeRow, error) {
	var rows []codeRow
	if err := tx.Where(where, value).Limit(1).Find(&rows).Error; err != nil {
		return codeRow{}, err
	}
	if len(rows) == 0 {
		return codeRow{}, noCode()
	}
	return rows[0], nil
}

// ChangeCode stores what change makes of a code, which may get another id; nothing when it refuses.
func (db *DB) ChangeCode(ctx context.Context, id string, change func(*account.Code) error) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		row, err := codeIn(locked(tx), "id = ?", id)
		if err != nil {
			return err
		}
		c := row.code()
		if err := change(&c); err != nil {
			return err
		}
		row = rowOfCode(c)
		return tx.Model(&codeRow{}).Where("id = ?", id).Select("*").Updates(&row).Error
	})
}
