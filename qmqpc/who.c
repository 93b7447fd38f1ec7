#include "qmqpc/who.h"

#include "lib/address.h"

#include <pwd.h>
#include <unistd.h>

static bool
is_local_part(const char *name)
{
	const char *p;

	for (p = name; *p; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		      (*p >= '0' && *p <= '9') ||
		      (p > name && strchr("._-+$", *p))))
			return false;
	return p > name && p - name <= 64;
}

void
who_user(struct buf *user, const char *name, unsigned long uid)
{
	if (name && is_local_part(name)) {
		buf_text(user, name);
		return;
	}
	buf_text(user, "uid");
	buf_number(user, uid);
}

void
who_name(struct buf *out, const char *gecos, struct slice user)
{
	const char *p;

	for (p = gecos; *p && *p != ','; p++) {
		if (*p != '&' || user.len == 0) {
			buf_putc(out, *p);
			continue;
		}
		buf_putc(out, user.at[0] >= 'a' && user.at[0] <= 'z'
				  ? (char)(user.at[0] - 32)
				  : user.at[0]);
		buf_puts(out, slice_from(user, 1));
	}
}

void
who_calls(struct buf *user, struct buf *name)
{
	const struct passwd *pw = getpwuid(getuid());

	who_user(user, pw ? pw->pw_name : NULL, getuid());
	if (pw && pw->pw_gecos)
		who_name(name, pw->pw_gecos, buf_slice(user));
}
