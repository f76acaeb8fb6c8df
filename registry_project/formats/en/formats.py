"""How Django's own pages of the admin show times: as ours do."""

DATETIME_FORMAT = "Y-m-d H:i:s T"
SHORT_DATETIME_FORMAT = DATETIME_FORMAT
DATE_FORMAT = "Y-m-d"
TIME_FORMAT = "H:i:s"
