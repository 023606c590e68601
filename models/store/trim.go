package store

/*
#include <stddef.h>

// Of the GNU C library; others give back by themselves or not at all.
extern int malloc_trim(size_t kept) __attribute__((weak));

static void trim(void) {
	if (malloc_trim) malloc_trim(0);
}
*/
import "C"

// trim gives the system what C code has freed.
func trim() { C.trim() }
