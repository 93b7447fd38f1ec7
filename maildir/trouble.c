#include "maildir/trouble.h"

#include "lib/buf.h"

#include <errno.h>

/* So much of a path that the words behind it have room too. */
enum { PATH_SHOWN = 200 };

static void
say(struct verdict *v, const char *what, struct slice path, int e,
    const char *status)
{
	struct buf text = {0};

	buf_text(&text, what);
	buf_put(&text, path.at, path.len < PATH_SHOWN ? path.len : PATH_SHOWN);
	buf_text(&text, path.len > PATH_SHOWN ? "...: " : ": ");
	buf_text(&text, strerror(e));
	buf_text(&text, status);
	verdict_set(v, 'Z', buf_slice(&text));
	buf_free(&text);
}

void
trouble_verdict(struct verdict *v, int e, struct slice path)
{
	switch (e) {
	case ENOSPC: verdict_say(v, 'Z', "the disk is full (#4.3.1)"); break;
	case EDQUOT:
	case EFBIG: verdict_say(v, 'Z', "the mailbox is full (#4.2.2)"); break;
	case ENOTDIR:
	case ELOOP:
	case EINVAL:
	case EEXIST:
		say(v, "not a Maildir, or a planted file or link: ", path, e,
		    " (#4.3.5)");
		break;
	case EACCES:
	case EPERM:
	case EROFS:
		say(v, "may not write to the mailbox ", path, e, " (#4.3.0)");
		break;
	default: say(v, "cannot write to the mailbox ", path, e, " (#4.3.0)");
	}
}
