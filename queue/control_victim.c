#include "queue/control_victim.h"

static size_t
count(const struct control_client *clients, size_t n, uid_t uid)
{
	size_t i, has = 0;

	for (i = 0; i < n; i++)
		has += clients[i].uid == uid;
	return has;
}

size_t
control_victim(const struct control_client *clients, size_t n)
{
	size_t i, has, most = 0, victim = n;

	for (i = 0; i < n; i++) {
		has = count(clients, n, clients[i].uid);
		if (has < most || (has == most && clients[i].moved_ms >=
						      clients[victim].moved_ms))
			continue;
		most = has;
		victim = i;
	}
	return victim;
}
