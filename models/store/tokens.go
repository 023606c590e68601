package store

import (
	"context"
	"strings"
	"time"

	"gorm.io/gorm"

	"dockbell/models/account"
	"dockbell/models/fault"
	"dockbell/models/registry"
)

type tokenRow struct {
	ClientID     string `gorm:"primaryKey"`
	Name         string
	Role         string
	Registry     string
	RegistryKey  string
	Rights       string
	Repositories string
	SecretHash   []byte
	BearerHash   []byte
	Created      int64
	CreatedBy    string
	LastUsed     int64
}

// TableName is GORM's question for the table.
func (tokenRow) TableName() string { return "tokens" }

func rowOfToken(t account.Token) tokenRow {
	return tokenRow{
		ClientID: strings.ToLower(t.ClientID), Name: plainText(t.Name), Role: string(t.Role),
		Registry: string(t.Registry), RegistryKey: t.Registry.Key(), Rights: toJSON(t.Narrow.Rights), Repositories: toJSON(t.Narrow.Repositories), SecretHash: t.SecretHash, BearerHash: t.BearerHash,
		Created: micros(t.Created), CreatedBy: t.CreatedBy, LastUsed: micros(t.LastUsed),
	}
}

func (row tokenRow) token() (account.Token, error) {
	t := account.Token{
		ClientID: row.ClientID, Name: row.Name, Role: account.Role(row.Role), Registry: registry.Name(row.Registry),
		SecretHash: row.SecretHash, BearerHash: row.BearerHash,
		Created: moment(row.Created), CreatedBy: row.CreatedBy, LastUsed: moment(row.LastUsed),
	}
	err := fromJSON(row.Rights, &t.Narrow.Rights)
	if err == nil {
		err = fromJSON(row.Repositories, &t.Narrow.Repositories)
	}
	return t, err
}

func noToken() error {
	return &fault.Error{Code: fault.NotFound, Field: "token", Message: "There is no such token, or not any more."}
}

// AddToken stores a new token.
func (db *DB) AddToken(ctx context.Context, t account.Token) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		row := rowOfToken(t)
		return tx.Create(&row).Error
	})
}

// TokenByClientID gives a token by its client id in any case.
func (db *DB) TokenByClientID(ctx context.Context, clientID string) (account.Token, error) {
	return db.oneToken(ctx, "client_id = ?", strings.ToLower(clientID))
}

// TokenByBearer gives a token by the hash of its Bearer.
func (db *DB) TokenByBearer(ctx context.Context, hash []byte) (account.Token, error) {
	return db.oneToken(ctx, "bearer_hash = ?", hash)
}

func (db *DB) oneToken(ctx context.Context, where string, value any) (account.Token, error) {
	var rows []tokenRow
	if err := db.read(ctx).Where(where, value).Limit(1).Find(&rows).Error; err != nil {
		return account.Token{}, translate(err)
	}
	if len(rows) == 0 {
		return account.Token{}, noToken()
	}
	return rows[0].token()
}

// Tokens gives every token by name.
func (db *DB) Tokens(ctx context.Context) ([]account.Token, error) {
	var rows []tokenRow
	if err := db.read(ctx).Order("lower(name), created").Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	all := make([]account.Token, 0, len(rows))
	for _, row := range rows {
		t, err := row.token()
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}

// TouchToken notes when a token was last used; an older note than the stored one changes nothing.
func (db *DB) TouchToken(ctx context.Context, clientID string, at time.Time) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		return tx.Model(&tokenRow{}).Where("client_id = ? and last_used < ?", strings.ToLower(clientID), micros(at)).
			Updates(map[string]any{"last_used": micros(at)}).Error
	})
}

// DeleteToken removes a token.
func (db *DB) DeleteToken(ctx context.Context, clientID string) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		return orMissing(tx.Where("client_id = ?", strings.ToLower(clientID)).Delete(&tokenRow{}), noToken())
	})
}
