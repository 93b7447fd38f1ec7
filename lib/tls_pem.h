/* tls_pem.h - the objects in a PEM file
 *
 * Source  RFC 7468
 * Test    tests/tls_test.c
 */
#ifndef QUAIL_LIB_TLS_PEM_H
#define QUAIL_LIB_TLS_PEM_H

#include "lib/buf.h"

#include <sys/types.h>

enum { TLS_PEM_FILE_MAX = 4 << 20 };

/* tls_pem_read - call object for each object of a file, in order
 *
 * Takes    object: kind is "CERTIFICATE" and the like; der is valid for the
 *          call only. Text between objects is skipped.
 *          mode_r: the file's mode, NULL if not wanted.
 * Returns  0; -1 with a one-line reason appended to *why: object may have
 *          been called before.
 * Keeps    no more of the file in memory than one object.
 */
int
tls_pem_read(const char *file, mode_t *mode_r, struct buf *why,
	     void (*object)(void *user, const char *kind, struct slice der),
	     void *user);

/* tls_pem_put - append an object */
void
tls_pem_put(struct buf *out, const char *kind, struct slice der);

#endif
