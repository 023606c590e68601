package store_test

import (
	"strings"
	"testing"

	"gorm.io/gorm"

	"dockbell/models/store/storetest"
)

// TestPlansDoNotDependOnValues: a partial index helps who names its condition, and not who gives the same value as an argument.
// That is how it shows that no statement is planned anew for its arguments.
func TestPlansDoNotDependOnValues(t *testing.T) {
	db := storetest.Open(t)
	err := db.Write(t.Context(), func(tx *gorm.DB) error {
		if err := tx.Exec("create table planned (a bigint, b bigint)").Error; err != nil {
			return err
		}
		return tx.Exec("create index planned_ones on planned (a) where b = 1").Error
	})
	if err != nil {
		t.Fatal(err)
	}
	uses := func(tx *gorm.DB, condition string, args ...any) bool {
		t.Helper()
		var steps []struct{ Detail string }
		if err := tx.Raw("explain query plan select a from planned where "+condition+" order by a", args...).Scan(&steps).Error; err != nil {
			t.Fatal(err)
		}
		if len(steps) == 0 {
			t.Fatal("no plan")
		}
		return strings.Contains(steps[0].Detail, "planned_ones")
	}
	look := func(who string, tx *gorm.DB) {
		if !uses(tx, "b = 1") {
			t.Errorf("%s: the index helps nobody, so nothing is tried here", who)
		}
		if uses(tx, "b = ?", 1) {
			t.Errorf("%s: the plan was made for the argument", who)
		}
	}
	look("reader", db.Read(t.Context()))
	if err := db.Write(t.Context(), func(tx *gorm.DB) error { look("writer", tx); return nil }); err != nil {
		t.Fatal(err)
	}
}
