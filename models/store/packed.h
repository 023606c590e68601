// The table "packed" for SQLite; see packed.go.
typedef struct sqlite3 sqlite3;

enum { packed_columns = 32, packed_number = 1, packed_text = 2, packed_blob = 3 };

#define packed_declaration \
	"create table packed (c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, c18, c19, c20, c21, c22, c23, " \
	"c24, c25, c26, c27, c28, c29, c30, c31, rows hidden)"

// packed_register gives a connection the table.
int packed_register(sqlite3 *db);
