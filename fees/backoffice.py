SUBJECT_PAGES = {"fee_schedule": "fees.feescheduledraft"}
