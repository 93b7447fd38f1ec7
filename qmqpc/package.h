/* package.h - one QMQP package, as it grows and as it is sent
 *
 *   41:5:text\n,8:a@b.test,8:c@d.test,8:e@f.test,,
 *      text     sender     recipients
 *
 * Lengths come first, so all of the text must be there before the first
 * byte can go; and another hub may want it again. Up to PACKAGE_MEMORY
 * bytes of text stay in memory, more goes to a file without a name.
 *
 * Source  https://cr.yp.to/proto/qmqp.html
 * Test    tests/sendmail_test.c
 */
#ifndef QUAIL_QMQPC_PACKAGE_H
#define QUAIL_QMQPC_PACKAGE_H

#include "lib/buf.h"

enum { PACKAGE_MEMORY = 128 * 1024, PACKAGE_HEAD = 24 };

struct package {
	struct buf mem; /* PACKAGE_HEAD bytes of room, then text */
	int fd;		/* the file, when has_file */
	bool has_file;
	bool is_borrowed;  /* the file is another's, and read only */
	uint64_t text_at;  /* where in the file the text begins */
	uint64_t text_len; /* bytes of text in all */
	char head[PACKAGE_HEAD];
	size_t head_len;
	struct buf tail; /* all that follows the text */
	uint64_t size;	 /* of the whole package */
};

/* package_text - append a piece of text
 *
 * Needs    *p all zero before the first.
 * Returns  0; -1 with errno when the file cannot be made or written.
 */
int
package_text(struct package *p, struct slice text);

/* package_borrow - take the text from a file instead
 *
 * Needs    *p all zero; nothing is added by package_text then.
 * Takes    fd, which stays open and its owner's until package_free; where in
 *          it the text begins, and its bytes.
 */
void
package_borrow(struct package *p, int fd, uint64_t at, uint64_t len);

/* package_seal - the text is complete: make what stands around it
 *
 * Takes    rcpts: a netstring for each recipient.
 * Returns  as package_text; p->size is then known.
 */
int
package_seal(struct package *p, struct slice sender, struct slice rcpts);

/* package_piece - the next bytes to send, from offset at (< p->size)
 *
 * As much as there is at once: a package that fits into memory is one piece.
 * Returns  0; -1 with errno when the file cannot be read.
 * Keeps    *piece is valid until the next call.
 */
int
package_piece(struct package *p, uint64_t at, struct slice *piece);

void
package_free(struct package *p);

#endif
