"""One question per file: each holds ``COLUMNS``, a frozen result with ``to_frame()`` and one public function."""
