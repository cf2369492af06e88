"""Text that breaks pages which trust it."""

SCRIPT = "<script>alert(1)</script>"
TEXT = f"{SCRIPT} \"quoted\" 'single' {{{{ template }}}} {{% tag %}} & \u202eright to left \U0001f4a5"
ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt;"
