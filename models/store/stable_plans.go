package store

/*
#include "packed.h"

// What the driver brings along; weak, because this package alone is linked without it at first.
extern int sqlite3_auto_extension(void (*entry)(void)) __attribute__((weak));
extern int sqlite3_config(int option, ...) __attribute__((weak));
extern int sqlite3_db_config(sqlite3 *db, int option, ...) __attribute__((weak));

enum { sqlite_config_memstatus = 9, sqlite_dbconfig_enable_qpsg = 1007 };

static int stable_plans(sqlite3 *db, char **error, const void *api) {
	int code = sqlite3_db_config(db, sqlite_dbconfig_enable_qpsg, 1, (int *)0);
	return code ? code : packed_register(db);
}

static int always_stable_plans(void) {
	sqlite3_config(sqlite_config_memstatus, 0); // refused once SQLite runs, which is as well
	return sqlite3_auto_extension((void (*)(void))stable_plans);
}
*/
import "C"

import "fmt"

// keepPlans has every connection that is opened from now on keep its plans (https://www.sqlite.org/c3ref/c_dbconfig_defensive.html,
// ENABLE_QPSG). Otherwise SQLite plans a statement anew when a number behind "limit" or a value beside an index is another than
// before, and the driver, which forgets the values after each run, makes that every time: it cost more than most of them do.
func keepPlans() error {
	if code := C.always_stable_plans(); code != 0 {
		return fmt.Errorf("SQLite does not take a setting for all connections: code %d", int(code))
	}
	return nil
}
