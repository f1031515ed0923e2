/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/io/torchbin.h"

#include "engine/base/error.h"

D2vTorchBin *
d2v_torchbin_open (D2vFile *file, GError **error)
{
  d2v_fail (error, D2V_ERROR_UNSUPPORTED, d2v_file_path (file), "not read yet");
  return NULL;
}

void
d2v_torchbin_close (D2vTorchBin *bin)
{
}

guint
d2v_torchbin_size (const D2vTorchBin *bin)
{
  return 0;
}

const D2vStored *
d2v_torchbin_get (const D2vTorchBin *bin, guint index)
{
  return NULL;
}

const gchar *
d2v_torchbin_digest (const D2vTorchBin *bin)
{
  return NULL;
}

gboolean
d2v_torchbin_load (D2vTorchBin *bin, const gboolean *wanted, D2vLoad *load,
                   D2vTensor **out, GError **error)
{
  return FALSE;
}
