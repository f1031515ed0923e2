/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as the pickle of a state dict: alone, and in a sound zip around it
 * with two storages to point at, for a random zip seldom gets that far. */

#include "engine/io/pickle.h"
#include "tests/fuzz/torchbin.h"

#include <string.h>

typedef struct
{
  const gchar *name;
  const guint8 *data;
  gsize n_bytes;
  guint32 crc, offset;
} Member;

static guint32
crc_of (const guint8 *data, gsize n_bytes)
{
  guint32 crc = 0xffffffff;

  for (gsize i = 0; i < n_bytes; i++)
    {
      crc ^= data[i];
      for (guint bit = 0; bit < 8; bit++)
        crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
  return ~crc;
}

static void
put (GByteArray *out, guint n, guint64 value)
{
  value = GUINT64_TO_LE (value);
  g_byte_array_append (out, (const guint8 *) &value, n);
}

static void
put_text (GByteArray *out, const gchar *text, gsize n)
{
  g_byte_array_append (out, (const guint8 *) text, (guint) n);
}

/* What the local header and the directory have in common. */
static void
put_common (GByteArray *out, const Member *m)
{
  put (out, 4, 0); /* flags and method */
  put (out, 4, 0); /* time */
  put (out, 4, m->crc);
  put (out, 4, m->n_bytes);
  put (out, 4, m->n_bytes);
  put (out, 2, strlen (m->name));
  put (out, 2, 0);
}

static void
put_local (GByteArray *out, Member *m)
{
  m->offset = out->len;
  m->crc = crc_of (m->data, m->n_bytes);
  put_text (out, "PK\3\4", 4);
  put (out, 2, 0);
  put_common (out, m);
  put_text (out, m->name, strlen (m->name));
  put_text (out, (const gchar *) m->data, m->n_bytes);
}

static void
put_central (GByteArray *out, const Member *m)
{
  put_text (out, "PK\1\2", 4);
  put (out, 4, 0);
  put_common (out, m);
  put (out, 2, 0);
  put (out, 8, 0);
  put (out, 4, m->offset);
  put_text (out, m->name, strlen (m->name));
}

static GByteArray *
pack (Member *members, guint n)
{
  GByteArray *out = g_byte_array_new ();

  for (guint i = 0; i < n; i++)
    put_local (out, &members[i]);
  guint32 begin = out->len;
  for (guint i = 0; i < n; i++)
    put_central (out, &members[i]);
  guint32 size = out->len - begin;
  put_text (out, "PK\5\6", 4);
  put (out, 4, 0);
  put (out, 2, n);
  put (out, 2, n);
  put (out, 4, size);
  put (out, 4, begin);
  put (out, 2, 0);
  return out;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t n_bytes)
{
  static const guint8 storage[96] = { [3] = 0x40, [90] = 1 };
  Member members[] = { { "a/data.pkl", data, n_bytes },
                       { "a/version", (const guint8 *) "3\n", 2 },
                       { "a/data/0", storage, 24 },
                       { "a/data/1", storage, 96 } };
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vPickle) pickle
      = d2v_pickle_parse (data, n_bytes, "fuzz", &error);

  fuzz_check (pickle != NULL, error);
  g_autoptr (GByteArray) zip = pack (members, G_N_ELEMENTS (members));
  fuzz_torchbin (zip->data, zip->len);
  return 0;
}
