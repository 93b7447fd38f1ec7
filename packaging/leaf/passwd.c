/* passwd.c - getpwuid(3) for the static leaf: /etc/passwd, and nothing else
 *
 * Test  tests/leaf_static.t
 */
#include "packaging/leaf/lines.h"

#include <pwd.h>

/* The next field of a line, ended by a NUL where its colon was. */
static char *
field(struct slice *rest)
{
	size_t n = slice_find(*rest, ':');
	char *at = (char *)(uintptr_t)rest->at;

	at[n] = 0; /* the last one's is in place of the LF */
	*rest = slice_from(*rest, n < rest->len ? n + 1 : n);
	return at;
}

struct passwd *
getpwuid(uid_t uid)
{
	static struct lines l;
	static struct passwd found;
	struct slice rest;
	uint64_t id;

	lines_open(&l, "/etc/passwd");
	while (lines_next(&l, &rest)) {
		found.pw_name = field(&rest);
		found.pw_passwd = field(&rest);
		if (slice_number(slice_text(field(&rest)), UINT32_MAX, &id) ||
		    id != uid)
			continue;
		found.pw_uid = uid;
		field(&rest); /* the group: nobody asks */
		found.pw_gecos = field(&rest);
		lines_close(&l);
		return &found;
	}
	lines_close(&l);
	return NULL;
}
