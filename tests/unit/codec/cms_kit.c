/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, certificates and other people's programs for the tests of CMS and PKCS#12. */
#include "cms_kit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <openssl/bn.h>
#include <openssl/bytestring.h>
#include <openssl/ec_key.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define WORDS_MAX  48
#define PATIENCE_S 60

void kit_init(struct kit *kit)
{
	*kit = (struct kit){.folder = "/tmp/muster-cms.XXXXXX"};
	cr_assert_not_null(mkdtemp(kit->folder));
}

void kit_done(struct kit *kit)
{
	int folder = open(kit->folder, O_DIRECTORY | O_RDONLY);
	DIR *dir = fdopendir(folder);
	for (struct dirent *entry; dir && (entry = readdir(dir));)
		unlinkat(folder, entry->d_name, 0);
	closedir(dir);
	rmdir(kit->folder);
	mst_arena_done(&kit->arena);
}

static void path_of(char out[static 128], const struct kit *kit, const char *name)
{
	cr_assert_lt(snprintf(out, 128, "%s/%s", kit->folder, name), 128);
}

void kit_put(struct kit *kit, const char *name, struct mst_slice bytes)
{
	char path[128];
	path_of(path, kit, name);
	FILE *file = fopen(path, "w");
	cr_assert_not_null(file);
	cr_assert_eq(fwrite(bytes.at, 1, bytes.len, file), bytes.len);
	fclose(file);
}

struct mst_slice kit_get(struct kit *kit, const char *name)
{
	char path[128];
	struct stat st;
	path_of(path, kit, name);
	int fd = open(path, O_RDONLY);
	if (fd < 0)
		return mst_slice(NULL, 0);
	cr_assert_eq(fstat(fd, &st), 0);
	uint8_t *bytes = mst_arena_get(&kit->arena, (size_t)st.st_size + 1);
	cr_assert_eq(read(fd, bytes, (size_t)st.st_size), st.st_size);
	bytes[st.st_size] = 0;
	close(fd);
	return mst_slice(bytes, (size_t)st.st_size);
}

struct mst_slice kit_copy(struct kit *kit, struct mst_slice bytes)
{
	struct mst_slice out;
	cr_assert(mst_arena_copy(&kit->arena, &out, bytes));
	return out;
}

static void program_path(char out[static 64], const char *program)
{
	snprintf(out, 64, "/usr/bin/%s", program);
}

bool kit_has(const char *program)
{
	char path[64];
	program_path(path, program);
	return access(path, X_OK) == 0;
}

const char *kit_said(struct kit *kit)
{
	struct mst_slice said = kit_get(kit, "said");
	return said.at ? (const char *)said.at : "";
}

static void become(const struct kit *kit, const char *program, char **argv)
{
	char path[64];
	int said = -1;
	program_path(path, program);
	if (chdir(kit->folder) == 0)
		said = open("said", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (said < 0 || dup2(said, STDOUT_FILENO) < 0 || dup2(said, STDERR_FILENO) < 0)
		_exit(126);
	alarm(PATIENCE_S);
	execve(path, argv, (char *[]){NULL});
	_exit(127);
}

int kit_run(struct kit *kit, const char *program, const char *format, ...)
{
	char line[1024], *argv[WORDS_MAX] = {NULL}, *rest = line;
	size_t num = 0, head = (size_t)snprintf(line, sizeof(line), "%s ", program);
	int status = -1;
	va_list args;
	va_start(args, format);
	cr_assert_lt(vsnprintf(line + head, sizeof(line) - head, format, args),
		     (int)(sizeof(line) - head));
	va_end(args);
	while (*rest && num < WORDS_MAX - 1) {
		argv[num++] = rest;
		rest += strcspn(rest, " ");
		while (*rest == ' ')
			*rest++ = 0;
	}
	fflush(NULL);
	pid_t pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0)
		become(kit, program, argv);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int sign(struct mst_slice *out, struct mst_arena *arena, const void *home,
		enum mst_cms_digest digest, struct mst_slice bytes, struct mst_err *e)
{
	static const EVP_MD *(*const mds[])(void) = {EVP_sha1, EVP_sha256, EVP_sha384, EVP_sha512};
	EVP_MD_CTX ctx;
	size_t len = MST_CMS_RSA_MAX;
	uint8_t *place = mst_arena_get(arena, len);
	EVP_MD_CTX_init(&ctx);
	int rc = EVP_DigestSignInit(&ctx, NULL, mds[digest](), NULL, (EVP_PKEY *)home) &&
				 EVP_DigestSign(&ctx, place, &len, bytes.at, bytes.len)
			 ? 0
			 : mst_fail(e, MST_E_CRYPTO, "signing failed");
	EVP_MD_CTX_cleanup(&ctx);
	*out = mst_slice(place, len);
	return rc;
}

static int raw(uint8_t out[static MST_CMS_RSA_MAX], const void *home, struct mst_slice in,
	       struct mst_err *e)
{
	size_t len;
	RSA *rsa = EVP_PKEY_get0_RSA(home);
	if (!RSA_decrypt(rsa, &len, out, MST_CMS_RSA_MAX, in.at, in.len, RSA_NO_PADDING))
		return mst_fail(e, MST_E_CRYPTO, "no");
	return 0;
}

static EVP_PKEY *new_key(enum kit_kind kind)
{
	EVP_PKEY *pkey = EVP_PKEY_new();
	if (kind == KIT_RSA) {
		RSA *rsa = RSA_new();
		BIGNUM *exponent = BN_new();
		cr_assert(BN_set_word(exponent, RSA_F4) &&
			  RSA_generate_key_ex(rsa, 2048, exponent, NULL) &&
			  EVP_PKEY_assign_RSA(pkey, rsa));
		BN_free(exponent);
		return pkey;
	}
	EC_KEY *ec =
		EC_KEY_new_by_curve_name(kind == KIT_P256 ? NID_X9_62_prime256v1 : NID_secp384r1);
	cr_assert(EC_KEY_generate_key(ec) && EVP_PKEY_assign_EC_KEY(pkey, ec));
	return pkey;
}

static void add_extension(X509 *x509, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509V3_set_ctx(&ctx, x509, x509, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, &ctx, nid, value);
	cr_assert(extension && X509_add_ext(x509, extension, -1));
	X509_EXTENSION_free(extension);
}

static struct mst_slice new_cert(struct kit *kit, EVP_PKEY *pkey, const char *name)
{
	static long serial = 1000;
	X509 *x509 = X509_new();
	uint8_t *der = NULL;
	cr_assert(X509_set_version(x509, 2) &&
		  ASN1_INTEGER_set(X509_get_serialNumber(x509), serial++) &&
		  X509_gmtime_adj(X509_getm_notBefore(x509), -3600) &&
		  X509_gmtime_adj(X509_getm_notAfter(x509), 86400) && X509_set_pubkey(x509, pkey) &&
		  X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
					     (const uint8_t *)name, -1, -1, 0) &&
		  X509_set_issuer_name(x509, X509_get_subject_name(x509)));
	add_extension(x509, NID_basic_constraints, "critical,CA:TRUE");
	add_extension(x509, NID_subject_key_identifier, "hash");
	cr_assert(X509_sign(x509, pkey, EVP_sha256()));
	int len = i2d_X509(x509, &der);
	cr_assert_gt(len, 0);
	struct mst_slice out = kit_copy(kit, mst_slice(der, (size_t)len));
	OPENSSL_free(der);
	X509_free(x509);
	return out;
}

struct kit_id kit_id(struct kit *kit, enum kit_kind kind, const char *name)
{
	struct kit_id id = {.pkey = new_key(kind)};
	struct mst_slice pem;
	struct mst_err e;
	char file[64];
	CBB cbb;
	id.der = new_cert(kit, id.pkey, name);
	id.key = (struct mst_cms_key){id.pkey, sign, kind == KIT_RSA ? raw : NULL};
	cr_assert_eq(mst_cert_parse(&id.cert, id.der, &e), 0, "%s", e.text);
	cr_assert(CBB_init(&cbb, 512) && EVP_marshal_private_key(&cbb, id.pkey) && CBB_flush(&cbb));
	id.pkcs8 = kit_copy(kit, mst_slice(CBB_data(&cbb), CBB_len(&cbb)));
	CBB_cleanup(&cbb);
	cr_assert_eq(mst_pem_put(&pem, &kit->arena, "CERTIFICATE", id.der, &e), 0);
	snprintf(file, sizeof(file), "%s.pem", name);
	kit_put(kit, file, pem);
	cr_assert_eq(mst_pem_put(&pem, &kit->arena, "PRIVATE KEY", id.pkcs8, &e), 0);
	snprintf(file, sizeof(file), "%s.key", name);
	kit_put(kit, file, pem);
	return id;
}

struct mst_slice kit_crl(struct kit *kit, const struct kit_id *ca)
{
	X509_CRL *crl = X509_CRL_new();
	const uint8_t *at = ca->cert.subject.at;
	X509_NAME *name = d2i_X509_NAME(NULL, &at, (long)ca->cert.subject.len);
	ASN1_TIME *now = ASN1_TIME_set(NULL, 1700000000);
	uint8_t *der = NULL;
	cr_assert(X509_CRL_set_version(crl, 1) && X509_CRL_set_issuer_name(crl, name) &&
		  X509_CRL_set1_lastUpdate(crl, now) && X509_CRL_set1_nextUpdate(crl, now) &&
		  X509_CRL_sign(crl, ca->pkey, EVP_sha256()));
	int len = i2d_X509_CRL(crl, &der);
	cr_assert_gt(len, 0);
	struct mst_slice out = kit_copy(kit, mst_slice(der, (size_t)len));
	OPENSSL_free(der);
	ASN1_TIME_free(now);
	X509_NAME_free(name);
	X509_CRL_free(crl);
	return out;
}
