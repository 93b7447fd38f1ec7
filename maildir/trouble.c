#include "maildir/trouble.h"

#include <errno.h>

void
trouble_verdict(struct verdict *v, int e)
{
	switch (e) {
	case ENOSPC: verdict_say(v, 'Z', "the disk is full (#4.3.1)"); break;
	case EDQUOT:
	case EFBIG: verdict_say(v, 'Z', "the mailbox is full (#4.2.2)"); break;
	case ENOTDIR:
	case ELOOP:
	case EINVAL:
	case EEXIST:
		verdict_say(
		    v, 'Z',
		    "not a Maildir, or a planted file or link (#4.3.5)");
		break;
	case EACCES:
	case EPERM:
	case EROFS:
		verdict_say(v, 'Z', "may not write to the mailbox (#4.3.0)");
		break;
	default: verdict_say(v, 'Z', "cannot write to the mailbox (#4.3.0)");
	}
}
