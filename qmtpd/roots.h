/* roots.h - files of authorities, each read when it is first needed, and
 * again when it is another file than it was
 *
 * A connection keeps the roots that it began with; those of a file that has
 * changed are freed when the last such connection is over.
 *
 * Test  tests/tls.t
 */
#ifndef QUAIL_QMTPD_ROOTS_H
#define QUAIL_QMTPD_ROOTS_H

#include "lib/tls_key.h"

struct roots_file;

/* All zero: none has been read. */
struct roots {
	struct roots_file *first;
};

/* roots_get - the authorities of a file, as it is now
 *
 * Returns  who has them; NULL with a one-line reason appended to *why: the
 *          file cannot be used, whatever it was before.
 * Owns     roots_leave gives them back.
 */
struct roots_file *
roots_get(struct roots *r, const char *file, struct buf *why);

struct tls_roots *
roots_all(const struct roots_file *f);

/* roots_leave - no longer needed; f may be NULL */
void
roots_leave(struct roots_file *f);

/* roots_close - forget all; those that are still in use go with their last
 * user */
void
roots_close(struct roots *r);

#endif
