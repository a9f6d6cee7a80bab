/* SPDX-License-Identifier: Apache-2.0 */
/* Seals secrets at rest: AES-256-GCM under a master key, bound to the record they belong to. */
#include "muster/crypt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/aead.h>
#include <openssl/err.h>

#include "muster/file.h"
#include "muster/text.h"

#define KEY_LEN 32
#define NONCE_LEN 12
#define TAG_LEN 16
#define DIGITS (2 * KEY_LEN)
#define LINE_MAX_LEN (4 + DIGITS + 1) /* "255 ", the digits, the line end */
#define FILE_MAX (MST_SEAL_KEYS_MAX * LINE_MAX_LEN)

_Static_assert(MST_SEAL_MORE == 1 + NONCE_LEN + TAG_LEN, "the header says so");

struct key {
	uint8_t number;
	uint8_t bytes[KEY_LEN];
};

/* The lines of a key file. */
struct ring {
	struct key keys[MST_SEAL_KEYS_MAX];
	size_t num;
};

struct mst_seal { /* shared by threads: keys only come to it, and `num` grows when the new one is ready */
	EVP_AEAD_CTX aead[MST_SEAL_KEYS_MAX];
	uint8_t numbers[MST_SEAL_KEYS_MAX];
	size_t num; /* the last one seals */
};

static size_t num_of(const struct mst_seal *seal)
{
	return __atomic_load_n(&seal->num, __ATOMIC_ACQUIRE);
}

/* Returns the length, -1. `st` keeps whose file it is. */
static ssize_t read_file(char text[static FILE_MAX + 1], struct stat *st, const char *path,
			 struct mst_err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = -1;
	if (fd < 0)
		return mst_fail_sys(e, errno, "%s", path);
	if (fstat(fd, st) < 0)
		mst_fail_sys(e, errno, "%s", path);
	else if (!S_ISREG(st->st_mode) || st->st_mode & 077)
		mst_fail(e, MST_E_CONF, "%s: the master key must be a file of mode 0600", path);
	else if ((len = read(fd, text, FILE_MAX + 1)) < 0)
		mst_fail_sys(e, errno, "%s", path);
	else if (len > FILE_MAX)
		len = mst_fail(e, MST_E_CONF, "%s: more than %d master keys", path, MST_SEAL_KEYS_MAX);
	close(fd);
	return len;
}

/* "NUMBER HEX", or HEX alone when it is the only line. */
static bool read_line(struct ring *ring, struct mst_slice line, bool is_only)
{
	struct mst_slice word, hex;
	struct mst_err hidden; /* says nothing about the key's digits */
	uint64_t number = 1;
	if (ring->num == MST_SEAL_KEYS_MAX)
		return false;
	struct key *key = &ring->keys[ring->num];
	if (!mst_slice_cut(&word, &hex, line, ' ')) {
		if (!is_only)
			return false;
		hex = line;
	} else if (mst_slice_u64(&number, word, &hidden) < 0) {
		return false;
	}
	if (hex.len != DIGITS || mst_hex_get(key->bytes, KEY_LEN, hex, &hidden) < 0)
		return false;
	if (number < 1 || number > 255 || (ring->num && number <= ring->keys[ring->num - 1].number))
		return false;
	key->number = (uint8_t)number;
	ring->num++;
	return true;
}

static int read_ring(struct ring *ring, struct stat *st, const char *path, struct mst_err *e)
{
	char text[FILE_MAX + 1];
	struct mst_slice rest, line;
	ssize_t len = read_file(text, st, path, e);
	bool is_fine = len > 0;
	ring->num = 0;
	if (len < 0)
		return -1;
	rest = mst_slice(text, (size_t)len);
	if (len > 0 && text[len - 1] == '\n')
		rest.len--;
	for (bool is_more = true; is_fine && is_more;) {
		is_more = mst_slice_cut(&line, &rest, rest, '\n');
		is_fine = read_line(ring, line, !is_more && ring->num == 0);
	}
	mst_wipe(text, sizeof(text));
	if (is_fine)
		return 0;
	mst_wipe(ring, sizeof(*ring));
	return mst_fail(e, MST_E_CONF,
			"%s: a line of the master key file is a number, a space and 64 hex digits", path);
}

static bool add_key(struct mst_seal *seal, const struct key *key)
{
	seal->numbers[seal->num] = key->number;
	if (!EVP_AEAD_CTX_init(&seal->aead[seal->num], EVP_aead_aes_256_gcm(), key->bytes, KEY_LEN, TAG_LEN,
			       NULL)) {
		ERR_clear_error();
		return false;
	}
	__atomic_store_n(&seal->num, seal->num + 1, __ATOMIC_RELEASE);
	return true;
}

int mst_seal_load(struct mst_seal **out, const char *path, struct mst_err *e)
{
	struct ring ring;
	struct stat st;
	if (read_ring(&ring, &st, path, e) < 0)
		return -1;
	struct mst_seal *seal = calloc(1, sizeof(*seal));
	for (size_t i = 0; seal && i < ring.num; i++)
		if (!add_key(seal, &ring.keys[i]))
			mst_seal_free(&seal);
	mst_wipe(&ring, sizeof(ring));
	if (!seal)
		return mst_fail(e, MST_E_BUSY, "no memory for the master key");
	*out = seal;
	return 0;
}

int mst_seal_learn(struct mst_seal *seal, const char *path, struct mst_err *e)
{
	struct ring ring;
	struct stat st;
	int rc = 0;
	if (read_ring(&ring, &st, path, e) < 0)
		return -1;
	for (size_t i = 0; i < ring.num && rc == 0; i++) {
		if (ring.keys[i].number <= mst_seal_number(seal))
			continue;
		if (seal->num == MST_SEAL_KEYS_MAX)
			rc = mst_fail(e, MST_E_CONFLICT, "%s: too many keys since the start: restart", path);
		else if (!add_key(seal, &ring.keys[i]))
			rc = mst_fail(e, MST_E_BUSY, "no memory for the master key");
	}
	mst_wipe(&ring, sizeof(ring));
	return rc;
}

/* Writes one line and returns the place behind it. */
static char *put_line(char *at, const struct key *key)
{
	at += snprintf(at, 5, "%u ", key->number);
	mst_hex_put(at, mst_slice(key->bytes, KEY_LEN));
	at[DIGITS] = '\n';
	return at + DIGITS + 1;
}

int mst_seal_init(const char *path, struct mst_err *e)
{
	struct key key = {.number = 1};
	char text[LINE_MAX_LEN];
	mst_random(key.bytes, sizeof(key.bytes));
	const char *digits = put_line(text, &key) - DIGITS - 1; /* the first key goes without its number */
	int rc = mst_file_create(path, mst_slice(digits, DIGITS + 1), 0600, e);
	mst_wipe(&key, sizeof(key));
	mst_wipe(text, sizeof(text));
	return rc;
}

int mst_seal_rotate(const char *path, struct mst_err *e)
{
	struct ring ring;
	struct stat st;
	char text[FILE_MAX], *at = text;
	int rc = -1;
	if (read_ring(&ring, &st, path, e) < 0)
		return -1;
	const struct key *newest = &ring.keys[ring.num - 1];
	if (ring.num == MST_SEAL_KEYS_MAX || newest->number == 255) {
		mst_fail(e, MST_E_CONFLICT, "%s: no room for a key; drop the lines nothing is sealed under", path);
		goto out;
	}
	struct key *key = &ring.keys[ring.num++];
	key->number = (uint8_t)(newest->number + 1);
	mst_random(key->bytes, sizeof(key->bytes));
	for (size_t i = 0; i < ring.num; i++)
		at = put_line(at, &ring.keys[i]);
	rc = mst_file_write(path, mst_slice(text, (size_t)(at - text)), 0600, e);
	/* Root may rotate what another user reads. */
	if (rc == 0 && st.st_uid != geteuid() && chown(path, st.st_uid, st.st_gid) < 0)
		rc = mst_fail_sys(e, errno, "%s: its owner is lost", path);
out:
	mst_wipe(&ring, sizeof(ring));
	mst_wipe(text, sizeof(text));
	return rc;
}

void mst_seal_free(struct mst_seal **seal)
{
	if (!*seal)
		return;
	for (size_t i = 0; i < (*seal)->num; i++)
		EVP_AEAD_CTX_cleanup(&(*seal)->aead[i]);
	mst_wipe(*seal, sizeof(**seal));
	free(*seal);
	*seal = NULL;
}

uint8_t mst_seal_number(const struct mst_seal *seal)
{
	return seal->numbers[num_of(seal) - 1];
}

uint8_t mst_seal_number_of(struct mst_slice sealed)
{
	return sealed.len < MST_SEAL_MORE ? 0 : sealed.at[0];
}

static const EVP_AEAD_CTX *find(const struct mst_seal *seal, uint8_t number)
{
	for (size_t i = num_of(seal); i-- > 0;)
		if (seal->numbers[i] == number)
			return &seal->aead[i];
	return NULL;
}

bool mst_seal_has(const struct mst_seal *seal, uint8_t number)
{
	return find(seal, number) != NULL;
}

bool mst_seal_is_old(const struct mst_seal *seal, struct mst_slice sealed)
{
	return sealed.len && mst_seal_number_of(sealed) != mst_seal_number(seal);
}

/*  number of the key 1 | nonce 12 | ciphertext | tag 16  */
int mst_seal_close(struct mst_slice *out, struct mst_arena *arena, const struct mst_seal *seal,
		   struct mst_slice bound, struct mst_slice plain, struct mst_err *e)
{
	size_t room, len;
	uint8_t *sealed = NULL;
	if (!__builtin_add_overflow(plain.len, (size_t)MST_SEAL_MORE, &room))
		sealed = mst_arena_get(arena, room);
	if (!sealed)
		return mst_fail(e, MST_E_BUSY, "no memory to seal");
	size_t newest = num_of(seal) - 1;
	sealed[0] = seal->numbers[newest];
	mst_random(sealed + 1, NONCE_LEN);
	uint8_t *cipher = sealed + 1 + NONCE_LEN;
	if (!EVP_AEAD_CTX_seal(&seal->aead[newest], cipher, &len, plain.len + TAG_LEN, sealed + 1,
			       NONCE_LEN, plain.at, plain.len, bound.at, bound.len)) {
		ERR_clear_error();
		return mst_fail(e, MST_E_CRYPTO, "sealing failed");
	}
	*out = mst_slice(sealed, 1 + NONCE_LEN + len);
	return 0;
}

int mst_seal_open(struct mst_slice *out, struct mst_arena *arena, const struct mst_seal *seal,
		  struct mst_slice bound, struct mst_slice sealed, struct mst_err *e)
{
	const EVP_AEAD_CTX *aead = find(seal, mst_seal_number_of(sealed));
	if (sealed.len < MST_SEAL_MORE)
		return mst_fail(e, MST_E_CRYPTO, "not a sealed value");
	if (!aead)
		return mst_fail(e, MST_E_CRYPTO, "sealed under master key %u, which the key file lacks",
				sealed.at[0]);
	size_t room = sealed.len - 1 - NONCE_LEN, len;
	uint8_t *plain = mst_arena_get(arena, room);
	if (!plain)
		return mst_fail(e, MST_E_BUSY, "no memory to unseal");
	if (!EVP_AEAD_CTX_open(aead, plain, &len, room, sealed.at + 1, NONCE_LEN,
			       sealed.at + 1 + NONCE_LEN, room, bound.at, bound.len)) {
		ERR_clear_error();
		return mst_fail(e, MST_E_CRYPTO,
				"a sealed value was changed, or belongs elsewhere");
	}
	*out = mst_slice(plain, len);
	return 0;
}
