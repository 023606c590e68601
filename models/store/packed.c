// A table "packed" for SQLite: it has the rows that are packed into its one argument. See packed.go.
#include <string.h>
#include "packed.h"

enum { ok = 0, nomem = 7, corrupt = 11, constraint = 19, is_equal = 2 };

// What SQLite hands out and takes; https://www.sqlite.org/vtab.html describes it. The layouts are part of its stable interface.
typedef struct sqlite3_value sqlite3_value;
typedef struct sqlite3_context sqlite3_context;
typedef struct module module;
typedef struct { const module *module; int uses; char *error; } table;
typedef struct {
	int constraints;
	struct { int column; unsigned char op, usable; int offset; } *constraint;
	int orders;
	void *order;
	struct { int argument; unsigned char omit; } *usage;
	int number;
	char *text;
	int free_text, ordered;
	double cost;
	long long rows;
} plan;

typedef struct {
	table *table;
	unsigned char *data, *end, *at; // at is behind the current row
	int columns, done;
	long long row;
	unsigned char *value[packed_columns];
} cursor;

struct module {
	int version;
	int (*create)(sqlite3 *, void *, int, const char *const *, table **, char **);
	int (*connect)(sqlite3 *, void *, int, const char *const *, table **, char **);
	int (*best_index)(table *, plan *);
	int (*disconnect)(table *);
	int (*destroy)(table *);
	int (*open)(table *, cursor **);
	int (*close)(cursor *);
	int (*filter)(cursor *, int, const char *, int, sqlite3_value **);
	int (*next)(cursor *);
	int (*eof)(cursor *);
	int (*column)(cursor *, sqlite3_context *, int);
	int (*rowid)(cursor *, long long *);
	void *writes[7]; // it is only read
};

#define driver extern __attribute__((weak))
driver int sqlite3_create_module(sqlite3 *, const char *, const module *, void *);
driver int sqlite3_declare_vtab(sqlite3 *, const char *);
driver void *sqlite3_malloc(int);
driver void sqlite3_free(void *);
driver const void *sqlite3_value_blob(sqlite3_value *);
driver int sqlite3_value_bytes(sqlite3_value *);
driver void sqlite3_result_int64(sqlite3_context *, long long);
driver void sqlite3_result_text(sqlite3_context *, const char *, int, void (*)(void *));
driver void sqlite3_result_blob(sqlite3_context *, const void *, int, void (*)(void *));

static void *zeroed(int size) {
	void *p = sqlite3_malloc(size);
	if (p) memset(p, 0, size);
	return p;
}

static int connect(sqlite3 *db, void *aux, int argc, const char *const *argv, table **made, char **error) {
	int code = sqlite3_declare_vtab(db, packed_declaration);
	if (code != ok) return code;
	*made = zeroed(sizeof(table));
	return *made ? ok : nomem;
}

static int disconnect(table *t) {
	sqlite3_free(t);
	return ok;
}

// best_index wants the argument, which is a hidden column behind the others.
static int best_index(table *t, plan *p) {
	for (int i = 0; i < p->constraints; i++) {
		if (p->constraint[i].column != packed_columns || p->constraint[i].op != is_equal || !p->constraint[i].usable) continue;
		p->usage[i].argument = 1;
		p->usage[i].omit = 1;
		p->cost = 1;
		p->rows = 10;
		return ok;
	}
	return constraint;
}

static int open_cursor(table *t, cursor **made) {
	*made = zeroed(sizeof(cursor));
	return *made ? ok : nomem;
}

static int close_cursor(cursor *c) {
	sqlite3_free(c->data);
	sqlite3_free(c);
	return ok;
}

static unsigned length_at(const unsigned char *p) { return p[0] | p[1] << 8 | p[2] << 16 | (unsigned)p[3] << 24; }

// next finds where the values of the next row begin.
static int next(cursor *c) {
	unsigned char *p = c->at;
	c->row++;
	if (p == c->end) {
		c->done = 1;
		return ok;
	}
	for (int i = 0; i < c->columns; i++) {
		c->value[i] = p;
		if (c->end - p < 5) return corrupt;
		unsigned long size = *p == packed_number ? 9 : 5 + (unsigned long)length_at(p + 1);
		if ((unsigned long)(c->end - p) < size) return corrupt;
		p += size;
	}
	c->at = p;
	return ok;
}

// filter begins with the rows of an argument, of which it keeps a copy: values lie in it until the cursor is closed.
static int filter(cursor *c, int number, const char *text, int argc, sqlite3_value **argv) {
	const void *from = argc == 1 ? sqlite3_value_blob(argv[0]) : 0;
	int size = from ? sqlite3_value_bytes(argv[0]) : 0;
	sqlite3_free(c->data);
	c->data = 0;
	c->row = 0;
	c->done = 1;
	if (size < 1) return corrupt;
	c->data = sqlite3_malloc(size);
	if (!c->data) return nomem;
	memcpy(c->data, from, size);
	c->end = c->data + size;
	c->at = c->data + 1;
	c->columns = *c->data;
	c->done = 0;
	if (c->columns > packed_columns) return corrupt;
	return next(c);
}

static int eof(cursor *c) { return c->done; }

static int column(cursor *c, sqlite3_context *to, int i) {
	if (i >= c->columns) return ok; // null
	const unsigned char *p = c->value[i];
	switch (*p) {
	case packed_number: {
		unsigned long long n = length_at(p + 1) | (unsigned long long)length_at(p + 5) << 32;
		sqlite3_result_int64(to, (long long)n);
		return ok;
	}
	case packed_text:
		sqlite3_result_text(to, (const char *)p + 5, length_at(p + 1), 0);
		return ok;
	case packed_blob:
		sqlite3_result_blob(to, p + 5, length_at(p + 1), 0);
		return ok;
	}
	return corrupt;
}

static int rowid(cursor *c, long long *n) {
	*n = c->row;
	return ok;
}

static const module packed = {
	.connect = connect, .best_index = best_index, .disconnect = disconnect, .destroy = disconnect, .open = open_cursor, .close = close_cursor,
	.filter = filter, .next = next, .eof = eof, .column = column, .rowid = rowid,
};

int packed_register(sqlite3 *db) { return sqlite3_create_module(db, "packed", &packed, 0); }
