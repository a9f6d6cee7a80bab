/* SPDX-License-Identifier: Apache-2.0 */
/* Opens an EnvelopedData (RFC 5652 6.1): finds our recipient, unwraps the content key, decrypts. */
#include "cms_own.h"

#include <openssl/err.h>

#include "muster/text.h"

/* The outside of a message: nothing of it is secret. */
struct envelope {
	struct mst_slice content_type, iv, encrypted;
	enum mst_cms_cipher cipher;
	struct mst_cms_wrapped wrapped; /* our recipient's, or the only one's */
	size_t num_recipients;
	bool has_ours, has_any;
};

static int broken(struct mst_err *e, const char *what)
{
	return mst_fail(e, MST_E_SYNTAX, "EnvelopedData: %s", what);
}

/* Whether the RecipientIdentifier names `own`. False in *is_fine when it does not parse. */
static bool is_ours(bool *is_fine, CBS *from, const struct mst_cert *own)
{
	CBS key_id, pair, issuer, serial;
	*is_fine = true;
	if (CBS_peek_asn1_tag(from, DER_CONTEXT(0)) && CBS_get_asn1(from, &key_id, DER_CONTEXT(0)))
		return CBS_len(&key_id) != 0 && mst_slice_eq(mst_der_slice(&key_id), own->key_id);
	*is_fine = CBS_get_asn1(from, &pair, CBS_ASN1_SEQUENCE) &&
		   CBS_get_asn1_element(&pair, &issuer, CBS_ASN1_SEQUENCE) &&
		   CBS_get_asn1(&pair, &serial, CBS_ASN1_INTEGER) && CBS_len(&pair) == 0;
	return *is_fine && mst_slice_eq(mst_der_slice(&serial), own->serial) &&
	       mst_cms_name_same(mst_der_slice(&issuer), own->issuer);
}

/* RecipientInfo: KeyTransRecipientInfo is a bare SEQUENCE, the other kinds have context tags and
 * are passed over. */
static bool read_recipient(struct envelope *env, CBS *from, const struct mst_cert *own)
{
	CBS element, recipient;
	unsigned tag;
	uint64_t version;
	bool is_fine;
	struct mst_cms_wrapped wrapped;
	if (!CBS_get_any_asn1_element(from, &element, &tag, NULL))
		return false;
	if (tag != CBS_ASN1_SEQUENCE)
		return true;
	if (!CBS_get_asn1(&element, &recipient, CBS_ASN1_SEQUENCE) ||
	    !CBS_get_asn1_uint64(&recipient, &version))
		return false;
	bool ours = is_ours(&is_fine, &recipient, own);
	if (!is_fine)
		return false;
	bool is_taken = mst_cms_wrap_read(&wrapped, &recipient) && CBS_len(&recipient) == 0;
	if (is_taken && !env->has_ours && (ours || !env->has_any)) {
		env->wrapped = wrapped;
		env->has_any = true;
		env->has_ours = ours;
	}
	return true;
}

static int read_recipients(struct envelope *env, CBS *from, const struct mst_cert *own,
			   struct mst_err *e)
{
	CBS set;
	if (!CBS_get_asn1(from, &set, CBS_ASN1_SET) || CBS_len(&set) == 0)
		return broken(e, "the set of recipients is broken");
	for (; CBS_len(&set); env->num_recipients++) {
		if (env->num_recipients == MST_CMS_RECIPIENTS_MAX)
			return mst_fail(e, MST_E_TOO_BIG, "EnvelopedData: too many recipients");
		if (!read_recipient(env, &set, own))
			return broken(e, "a recipient is broken");
	}
	return 0;
}

/* EncryptedContentInfo ::= SEQUENCE {OID, AlgorithmIdentifier with the IV, [0] IMPLICIT OCTET
 * STRING} */
static int read_encrypted(struct envelope *env, struct mst_arena *arena, CBS *from,
			  struct mst_err *e)
{
	CBS info, type, params, iv;
	struct mst_slice cipher;
	if (!CBS_get_asn1(from, &info, CBS_ASN1_SEQUENCE) ||
	    !CBS_get_asn1(&info, &type, CBS_ASN1_OBJECT) || !mst_der_alg(&cipher, &params, &info))
		return broken(e, "the head of the content is broken");
	env->content_type = mst_der_slice(&type);
	env->cipher = mst_cms_cipher_of(cipher);
	if (env->cipher == MST_CMS_NUM_CIPHERS)
		return mst_fail(e, MST_E_DENIED, "EnvelopedData: a cipher that is not taken");
	if (!CBS_get_asn1(&params, &iv, CBS_ASN1_OCTETSTRING) || CBS_len(&params) != 0 ||
	    CBS_len(&iv) != mst_cms_cipher_rows[env->cipher].block)
		return broken(e, "the initial vector is broken");
	env->iv = mst_der_slice(&iv);
	if (mst_ber_implicit(&env->encrypted, arena, &info, 0, e) < 0)
		return -1;
	return CBS_len(&info) ? broken(e, "something stands behind the content") : 0;
}

static int read_envelope(struct envelope *env, struct mst_arena *arena, struct mst_slice in,
			 const struct mst_cert *own, struct mst_err *e)
{
	CBS inside;
	uint64_t version;
	if (mst_cms_start(&inside, arena, in, mst_cms_oid_enveloped, e) < 0)
		return -1;
	if (!CBS_get_asn1_uint64(&inside, &version) ||
	    !CBS_get_optional_asn1(&inside, NULL, NULL, DER_INSIDE(0)))
		return broken(e, "its head is broken");
	if (read_recipients(env, &inside, own, e) < 0 || read_encrypted(env, arena, &inside, e) < 0)
		return -1;
	if (!CBS_get_optional_asn1(&inside, NULL, NULL, DER_INSIDE(1)) || CBS_len(&inside) != 0)
		return broken(e, "something stands behind the content");
	return 0;
}

static bool decrypt(uint8_t *out, const struct envelope *env, const uint8_t *content_key)
{
	EVP_CIPHER_CTX ctx;
	int len = 0, more = 0;
	EVP_CIPHER_CTX_init(&ctx);
	bool is_done =
		EVP_DecryptInit_ex(&ctx, mst_cms_cipher_rows[env->cipher].cipher(), NULL,
				   content_key, env->iv.at) &&
		EVP_CIPHER_CTX_set_padding(&ctx, 0) &&
		EVP_DecryptUpdate(&ctx, out, &len, env->encrypted.at, (int)env->encrypted.len) &&
		EVP_DecryptFinal_ex(&ctx, out + len, &more);
	EVP_CIPHER_CTX_cleanup(&ctx);
	ERR_clear_error();
	return is_done && (size_t)len + (size_t)more == env->encrypted.len;
}

/* RFC 5652 6.3: n bytes of value n, 1 to a block. All of the last block is looked at. Returns 0
 * when it is so. */
static uint32_t check_padding(const uint8_t *plain, size_t len, size_t block)
{
	uint32_t num = plain[len - 1];
	uint32_t bad =
		((num - 1) | ((uint32_t)block - num)) >> 31; /* a sign: 0, or more than a block */
	for (uint32_t i = 0; i < block; i++) {
		uint32_t is_pad = 0u - ((i - num) >> 31); /* all bits when i < num */
		bad |= is_pad & (plain[len - 1 - i] ^ num);
	}
	return bad;
}

static bool open_content(struct mst_cms_opened *out, uint8_t *plain, const struct envelope *env,
			 const struct mst_cms_key *key)
{
	const struct mst_cms_cipher_row *row = &mst_cms_cipher_rows[env->cipher];
	uint8_t content_key[CMS_KEY_LEN_MAX];
	size_t len = env->encrypted.len;
	mst_cms_unwrap(content_key, row->key_len, &env->wrapped, key);
	bool is_done =
		decrypt(plain, env, content_key) && check_padding(plain, len, row->block) == 0;
	mst_wipe(content_key, sizeof(content_key));
	if (is_done)
		out->content = mst_slice(plain, len - plain[len - 1]);
	else
		mst_wipe(plain, len);
	return is_done;
}

int mst_cms_open(struct mst_cms_opened *out, struct mst_arena *arena, struct mst_slice in,
		 const struct mst_cert *own, const struct mst_cms_key *key, uint32_t allow,
		 struct mst_err *e)
{
	struct envelope env = {0};
	*out = (struct mst_cms_opened){0};
	if (read_envelope(&env, arena, in, own, e) < 0)
		return -1;
	if (env.cipher == MST_CMS_DES && !(allow & MST_CMS_ALLOW_DES))
		return mst_fail(e, MST_E_DENIED, "EnvelopedData: single DES is not taken");
	size_t len = env.encrypted.len;
	bool is_tried = env.has_ours || (env.has_any && env.num_recipients == 1);
	if (!is_tried || len == 0 || len % mst_cms_cipher_rows[env.cipher].block)
		return mst_fail(e, MST_E_CRYPTO, "EnvelopedData: cannot be opened");
	uint8_t *plain = mst_arena_get(arena, len);
	if (!plain)
		return mst_fail(e, MST_E_BUSY, "no memory to open an EnvelopedData");
	out->content_type = env.content_type;
	out->cipher = env.cipher;
	if (!open_content(out, plain, &env, key))
		return mst_fail(e, MST_E_CRYPTO, "EnvelopedData: cannot be opened");
	return 0;
}
