package store

import (
	"context"
	"strings"

	"gorm.io/gorm"

	"dockbell/models/account"
	"dockbell/models/fault"
)

type userRow struct {
	ID      string `gorm:"primaryKey"`
	Name    string
	NameKey string
	Role    string
	PHC     string `gorm:"column:phc"`
	Created int64
	Updated int64
}

// TableName is GORM's question for the table.
func (userRow) TableName() string { return "users" }

func rowOfUser(u account.User) userRow {
	return userRow{
		ID: u.ID, Name: u.Name, NameKey: strings.ToLower(u.Name), Role: string(u.Role), PHC: u.PHC,
		Created: micros(u.Created), Updated: micros(u.Updated),
	}
}

func (row userRow) user() account.User {
	return account.User{
		ID: row.ID, Name: row.Name, Role: account.Role(row.Role), PHC: row.PHC,
		Created: moment(row.Created), Updated: moment(row.Updated),
	}
}

func noUser() error {
	return &fault.Error{Code: fault.NotFound, Field: "user", Message: "There is no such user, or not any more."}
}

func userTaken(name string) string { return "There is a user " + name + " already." }

// AddUser stores a new user; Conflict at field "name" when the name is taken in any case.
func (db *DB) AddUser(ctx context.Context, u account.User) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		row := rowOfUser(u)
		return orTaken(tx.Create(&row).Error, userTaken(u.Name))
	})
}

// User gives a user by id.
func (db *DB) User(ctx context.Context, id string) (account.User, error) {
	return db.oneUser(ctx, "id = ?", id)
}

// UserByName gives a user by name in any case.
func (db *DB) UserByName(ctx context.Context, name string) (account.User, error) {
	return db.oneUser(ctx, "name_key = ?", strings.ToLower(plainText(name)))
}

func (db *DB) oneUser(ctx context.Context, where, value string) (account.User, error) {
	var rows []userRow
	if err := db.read(ctx).Where(where, value).Limit(1).Find(&rows).Error; err != nil {
		return account.User{}, translate(err)
	}
	if len(rows) == 0 {
		return account.User{}, noUser()
	}
	return rows[0].user(), nil
}

// Users gives every user by name.
func (db *DB) Users(ctx context.Context) ([]account.User, error) {
	var rows []userRow
	if err := db.read(ctx).Order("name_key").Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	all := make([]account.User, 0, len(rows))
	for _, row := range rows {
		all = append(all, row.user())
	}
	return all, nil
}

// UpdateUser stores what may change of a user: name, role and password.
func (db *DB) UpdateUser(ctx context.Context, u account.User) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		row := rowOfUser(u)
		done := tx.Model(&userRow{}).Where("id = ?", u.ID).Select("name", "name_key", "role", "phc", "updated").Updates(&row)
		return orTaken(orMissing(done, noUser()), userTaken(u.Name))
	})
}

// DeleteUser removes a user; sessions without a user are worth nothing.
func (db *DB) DeleteUser(ctx context.Context, id string) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		return orMissing(tx.Where("id = ?", id).Delete(&userRow{}), noUser())
	})
}

// CountUsers gives the number of users.
func (db *DB) CountUsers(ctx context.Context) (int, error) {
	var n int64
	err := db.read(ctx).Model(&userRow{}).Count(&n).Error
	return int(n), translate(err)
}
