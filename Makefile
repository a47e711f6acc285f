# One Makefile, not recursive: sources by wildcard, generated files and objects under $(OUT) only.
#   make                 the programs
#   make check           everything that is tested; SANITIZE=1 or SANITIZE=thread for the sanitizers
#   make demo|lab|bench|torture|failover  see README.md
OUT ?= build$(if $(SANITIZE),/sanitize-$(SANITIZE))
DEVICES ?= 20
FUZZ_SECONDS ?= 60
PREFIX ?= /usr

CC = gcc
sanitize_1 = -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
sanitize_thread = -fsanitize=thread -fno-omit-frame-pointer
# clang warns of what gcc finds right; here it is to find faults.
sanitize_fuzz = -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -w
export TSAN_OPTIONS = suppressions=$(CURDIR)/tests/thread-sanitizer
sanitizer := $(if $(SANITIZE),$(sanitize_$(SANITIZE)))
CFLAGS = -std=gnu11 -O2 -g -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 \
         -Wpointer-arith -Wwrite-strings -fstack-protector-strong -fPIE $(sanitizer)
CPPFLAGS = -D_GNU_SOURCE $(if $(SANITIZE),,-D_FORTIFY_SOURCE=2) -I.
LDFLAGS = -pie -Wl,-z,relro,-z,now,--as-needed $(sanitizer)
link = @mkdir -p $(@D) && $(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LDLIBS)
objects = $(patsubst %.c,$(OUT)/%.o,$(wildcard $(1)))
gen := $(OUT)/generated

common := $(call objects,common/*.c) $(gen)/proto/provisioning.pb-c.o
# What daemons show of themselves over HTTP; the agent has no such thing.
exposition := $(call objects,common/metrics/*.c)
site_parts := $(exposition) $(call objects,site-server/[!c]*/*.c site-server/certificates/*.c) $(gen)/site-server/statement.o $(gen)/site-server/migration.o
site_parts += $(filter-out %/main.o,$(call objects,site-server/*.c))
control_parts := $(call objects,site-server/control/*.c) $(gen)/site-server/control_statement.o
control_testable := $(filter-out %/main.o,$(control_parts))
point_parts := $(exposition) $(call objects,service-point/*/*.c) $(gen)/service-point/soapC.o
point_parts += $(filter-out %/main.o,$(call objects,service-point/*.c))
agent_parts := $(filter-out %/main.o,$(call objects,client-agent/*.c))
simulator := $(call objects,tests/simulator/*.c)
support := $(call objects,tests/support/*.c)

common_libs := -lprotobuf-c -lcrypto -lpthread
site_libs := -lzmq -lpq -lmicrohttpd -lldap -llber -lkrb5 -lk5crypto -lssl $(common_libs)
point_libs := -lzmq -lmicrohttpd -lgsoapssl -lssl -lz $(common_libs)
agent_libs := -lzmq -ljson-c $(common_libs)
simulator_libs := -levent -levent_openssl -levent_pthreads -lxml2 -lfuse3 -ljson-c -lkrb5 -lk5crypto -lssl -lcrypto -lpthread

programs := $(OUT)/site-server/amt-site-server $(OUT)/site-server/amtctl $(OUT)/service-point/amt-service-point
programs += $(OUT)/client-agent/amt-client-agent
manuals := $(patsubst deploy/man/%,$(OUT)/man/%,$(wildcard deploy/man/*))
tools := $(OUT)/tests/amt-simulator $(OUT)/tests/parse-recorded $(OUT)/tests/cmp-authority
site_test_parts := $(filter-out %_test.o,$(call objects,tests/unit/site-server/*.c)) # shared by its tests
unit_tests := $(patsubst %.c,$(OUT)/%,$(wildcard tests/unit/*/*_test.c))
scenarios := $(patsubst %.c,$(OUT)/%,$(wildcard tests/scenarios/*_test.c))
harness := $(patsubst tests/%.c,$(OUT)/tests/%,$(wildcard tests/demo.c tests/lab.c tests/auditor.c tests/torture.c tests/failover.c tests/bench/bench.c))

.PHONY: all check unit scenarios demo lab bench torture failover fuzz layers install deb deb-built clean format dependencies
all: $(programs) $(tools) $(manuals)

# ---- programs -------------------------------------------------------------------------------------
$(OUT)/site-server/amt-site-server: private LDLIBS = $(site_libs)
$(OUT)/site-server/amt-site-server: $(OUT)/site-server/main.o $(site_parts) $(common) ; $(link)
$(OUT)/site-server/amtctl: private LDLIBS = $(site_libs)
$(OUT)/site-server/amtctl: $(control_parts) $(site_parts) $(common) ; $(link)
$(OUT)/service-point/amt-service-point: private LDLIBS = $(point_libs)
$(OUT)/service-point/amt-service-point: $(OUT)/service-point/main.o $(point_parts) $(common) ; $(link)
$(OUT)/client-agent/amt-client-agent: private LDLIBS = $(agent_libs)
$(OUT)/client-agent/amt-client-agent: $(OUT)/client-agent/main.o $(agent_parts) $(common) ; $(link)
$(OUT)/tests/amt-simulator: private LDLIBS = $(simulator_libs)
$(OUT)/tests/amt-simulator: $(simulator) ; $(link)

# Hand-written, but for what the program itself says.
$(manuals): $(OUT)/man/%: deploy/man/% $(programs) deploy/make-manual
	@mkdir -p $(@D) && deploy/make-manual $< $(filter %/$(basename $(@F)),$(programs)) >$@

# A program sees its own headers and common/; those of the other program do not resolve.
$(OUT)/site-server/%.o:        private CPPFLAGS += -Isite-server -I$(gen)/site-server -isystem /usr/include/postgresql
$(OUT)/service-point/%.o:      private CPPFLAGS += -Iservice-point -isystem $(gen)/service-point $(gsoap_flags)
$(OUT)/client-agent/%.o:       private CPPFLAGS += -Iclient-agent
$(OUT)/common/message%.o:     private CPPFLAGS += -isystem $(gen)/proto
$(OUT)/tests/support/%.o:      private CPPFLAGS += -Itests -isystem /usr/include/postgresql
$(OUT)/tests/simulator/%.o:    private CPPFLAGS += -Itests/simulator -isystem /usr/include/libxml2
# The flags that Debian's libgsoapssl was built with; others change struct soap silently.
gsoap_flags := -DWITH_IPV6 -DWITH_OPENSSL -DWITH_GZIP -DWITH_DOM

$(OUT)/%.o: %.c ; @mkdir -p $(@D) && $(CC) $(CFLAGS) $(CPPFLAGS) -MD -MP -c -o $@ $<

# ---- generated code -------------------------------------------------------------------------------
$(gen)/proto/provisioning.pb-c.c $(gen)/proto/provisioning.pb-c.h &: proto/provisioning.proto
	@mkdir -p $(gen)/proto && protoc-c --proto_path=proto --c_out=$(gen)/proto $<
$(gen)/proto/%.o: $(gen)/proto/%.c ; @$(CC) $(CFLAGS) $(CPPFLAGS) -I$(gen)/proto -c -o $@ $<
$(call objects,common/message_read*.c common/message_write*.c): | $(gen)/proto/provisioning.pb-c.h

# $(call embed,NAME,PREFIX,FOLDER): an SQL folder as NAME.h and NAME.c
define embed
$(gen)/site-server/$(1).h: $(wildcard $(3)/*.sql) $(3) site-server/database/embed-sql
	@mkdir -p $$(@D) && site-server/database/embed-sql header $(2) $(3) > $$@
$(gen)/site-server/$(1).c: $(wildcard $(3)/*.sql) $(3) site-server/database/embed-sql
	@mkdir -p $$(@D) && site-server/database/embed-sql source $(2) $(3) > $$@
$(gen)/site-server/$(1).o: $(gen)/site-server/$(1).c $(gen)/site-server/$(1).h
	@$(CC) $(CFLAGS) $(CPPFLAGS) -Isite-server -I$(gen)/site-server -c -o $$@ $$<
endef
$(eval $(call embed,statement,STATEMENT,site-server/database/sql))
$(eval $(call embed,migration,MIGRATION,site-server/database/schema))
$(eval $(call embed,control_statement,CONTROL_STATEMENT,site-server/control/sql))
$(call objects,site-server/*.c site-server/*/*.c tests/unit/site-server/*.c): | $(addprefix $(gen)/site-server/,statement.h migration.h control_statement.h)

soap_inputs := $(wildcard service-point/firmware/soap/*)
$(gen)/service-point/soapC.c $(gen)/service-point/soapH.h &: $(soap_inputs)
	@mkdir -p $(gen)/service-point && soapcpp2 -c -C -L -x -w -n -I/usr/share/gsoap/import -Iservice-point/firmware/soap -d$(gen)/service-point service-point/firmware/soap/wsman.h >$(gen)/service-point/soapcpp2.log 2>&1 || { cat $(gen)/service-point/soapcpp2.log; exit 1; }
$(gen)/service-point/soapC.o: $(gen)/service-point/soapC.c
	@$(CC) $(CFLAGS) -w $(CPPFLAGS) $(gsoap_flags) -I$(gen)/service-point -c -o $@ $<
$(call objects,service-point/*.c service-point/*/*.c tests/unit/service-point/*.c): | $(gen)/service-point/soapH.h

# ---- tests ----------------------------------------------------------------------------------------
$(OUT)/tests/unit/common/%.o:        private CPPFLAGS += -Icommon
$(OUT)/tests/unit/site-server/%.o:   private CPPFLAGS += -Itests -Isite-server -I$(gen)/site-server -isystem /usr/include/postgresql
$(OUT)/tests/unit/service-point/%.o: private CPPFLAGS += -Iservice-point -isystem $(gen)/service-point $(gsoap_flags)
$(OUT)/tests/unit/client-agent/%.o:  private CPPFLAGS += -Iclient-agent
$(OUT)/tests/unit/simulator/%.o:     private CPPFLAGS += -Itests/simulator -isystem /usr/include/libxml2
$(OUT)/tests/unit/common/%: private LDLIBS = -lcmocka $(common_libs)
$(OUT)/tests/unit/common/%: $(OUT)/tests/unit/common/%.o $(common) ; $(link)
$(OUT)/tests/unit/site-server/%: private LDLIBS = -lcmocka -ljson-c -lgssapi_krb5 $(site_libs)
$(OUT)/tests/unit/site-server/%: $(OUT)/tests/unit/site-server/%.o $(site_test_parts) $(site_parts) $(control_testable) $(support) $(common) ; $(link)
$(OUT)/tests/unit/service-point/%: private LDLIBS = -lcmocka $(point_libs)
$(OUT)/tests/unit/service-point/%: $(OUT)/tests/unit/service-point/%.o $(point_parts) $(common) ; $(link)
$(OUT)/tests/unit/client-agent/%: private LDLIBS = -lcmocka $(agent_libs)
$(OUT)/tests/unit/client-agent/%: $(OUT)/tests/unit/client-agent/%.o $(agent_parts) $(common) ; $(link)
$(OUT)/tests/unit/simulator/%: private LDLIBS = -lcmocka $(simulator_libs)
$(OUT)/tests/unit/simulator/%: $(OUT)/tests/unit/simulator/%.o $(filter-out %/main.o,$(simulator)) ; $(link)

$(OUT)/tests/parse-recorded.o: private CPPFLAGS += -Iservice-point
$(OUT)/tests/parse-recorded: private LDLIBS = $(point_libs)
$(OUT)/tests/parse-recorded: $(OUT)/tests/parse-recorded.o $(point_parts) $(common) ; $(link)

$(OUT)/tests/cmp-authority: private LDLIBS = -lmicrohttpd -lcrypto -lpthread
$(OUT)/tests/cmp-authority: $(OUT)/tests/cmp-authority.o ; $(link)

harness_libs := -lcmocka -lpq -lzmq -ljson-c -lgssapi_krb5 -lkrb5 -lk5crypto -lssl $(common_libs)
$(call objects,tests/scenarios/*.c tests/*.c tests/bench/*.c tests/crash/*.c): private CPPFLAGS += -Itests -isystem /usr/include/postgresql
$(scenarios) $(harness): private LDLIBS = $(harness_libs)
# Speaks to firmware through the agent's own code.
$(OUT)/tests/scenarios/agent_firmware_test.o: private CPPFLAGS += -Iclient-agent
$(OUT)/tests/scenarios/agent_firmware_test: $(filter-out %/site.o %/dialogue.o %/provision.o,$(agent_parts))
$(OUT)/tests/bench/bench: $(call objects,tests/bench/*.c)
$(OUT)/tests/torture $(OUT)/tests/scenarios/torture_test: $(call objects,tests/crash/*.c)
# The auditor speaks to firmware with the service point's protocol code.
$(call objects,tests/audit/*.c): private CPPFLAGS += -Itests -Iservice-point -isystem $(gen)/service-point $(gsoap_flags)
$(call objects,tests/audit/*.c): | $(gen)/service-point/soapH.h
$(OUT)/tests/auditor: private LDLIBS = -lgsoapssl -lz -lmicrohttpd $(harness_libs)
$(OUT)/tests/auditor: $(call objects,tests/audit/*.c) $(point_parts)
$(OUT)/tests/scenarios/kerberos_test: $(OUT)/site-server/directory/kerberos_key.o
$(OUT)/tests/scenarios/kerberos_test.o: private CPPFLAGS += -Isite-server
$(scenarios) $(harness): $(OUT)/%: $(OUT)/%.o $(support) $(common) ; $(link)

$(OUT)/tests/scenarios/previous_version_test: | previous
.PHONY: previous
previous: ; @tests/build-previous $(OUT)/tests/previous

$(OUT)/tests/scenarios/packages_test $(OUT)/tests/scenarios/systemd_test: | deb-built

fuzz_targets := $(patsubst %.c,$(OUT)/%,$(wildcard tests/fuzz/*.c))
$(OUT)/tests/fuzz/%.o: private CPPFLAGS += -Iservice-point -Isite-server -I$(gen)/site-server -isystem $(gen)/service-point $(gsoap_flags) -isystem /usr/include/postgresql
$(fuzz_targets): private LDLIBS = -fsanitize=fuzzer $(site_libs) $(point_libs)
$(OUT)/tests/fuzz/pthi: $(OUT)/client-agent/host_interface.o $(OUT)/client-agent/host_status.o
site_fuzz_targets := $(addprefix $(OUT)/tests/fuzz/,import_csv certificate_wanted cmp_answer agent_message journal_line)
$(site_fuzz_targets): $(control_testable) $(site_parts) $(common)
simulator_fuzz_targets := $(addprefix $(OUT)/tests/fuzz/,pac negotiate_token)
$(simulator_fuzz_targets:=.o): private CPPFLAGS += -Itests/simulator
$(simulator_fuzz_targets): private LDLIBS = -fsanitize=fuzzer $(simulator_libs)
$(simulator_fuzz_targets): $(filter-out %/main.o,$(simulator))
$(filter-out $(site_fuzz_targets) $(simulator_fuzz_targets),$(fuzz_targets)): $(point_parts) $(common)
$(fuzz_targets): $(OUT)/%: $(OUT)/%.o ; $(link)

# ---- what a person types ----------------------------------------------------------------------------
# On a fresh machine the compiler is missing too, so packages come first and the build is a make of its own.
again = @$(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))
.PHONY: dependencies-test dependencies-fuzz check-built fuzz-built
dependencies-test: ; @deploy/install-dependencies test
dependencies-fuzz: ; @deploy/install-dependencies fuzz
check: dependencies-test ; $(again) check-built
check-built: all $(unit_tests) $(scenarios) $(harness) ; @tests/run -l $(OUT)/tests/log $(unit_tests) $(scenarios)
unit: $(unit_tests) ; @tests/run -l $(OUT)/tests/log/unit $^
scenarios: all $(scenarios) $(harness) ; @tests/run -l $(OUT)/tests/log/scenarios $(scenarios)
demo: dependencies-test ; $(again) all $(OUT)/tests/demo && DEVICES=$(DEVICES) DIRECTORY=$(DIRECTORY) $(OUT)/tests/demo
lab: dependencies-test ; $(again) all $(OUT)/tests/lab && exec $(OUT)/tests/lab
bench: dependencies-test ; $(again) all $(harness) && $(OUT)/tests/bench/bench
torture: dependencies-test
	$(again) all $(harness) && CELL='$(CELL)' EVERY='$(EVERY)' CAMPAIGN='$(CAMPAIGN)' DEVICES='$(if $(CAMPAIGN),$(DEVICES))' SEED='$(SEED)' $(OUT)/tests/torture
# PATRONI=1: with the database under Patroni, which the packages of `deploy/install-dependencies patroni` are for.
failover: dependencies-test
	@$(if $(PATRONI),deploy/install-dependencies patroni)
	$(again) all $(harness) && PATRONI='$(PATRONI)' $(OUT)/tests/failover
fuzz: dependencies-fuzz ; $(again) fuzz-built OUT=build/fuzz CC=clang SANITIZE=fuzz
fuzz-built: $(fuzz_targets)
	@for target in $^; do echo "$$target: $(FUZZ_SECONDS) s" && mkdir -p $$target.corpus && \
	  $$target -max_total_time=$(FUZZ_SECONDS) -timeout=20 -artifact_prefix=$$target- -print_final_stats=1 $$target.corpus $$(find tests/fuzz/seeds/$$(basename $$target) -type d 2>/dev/null) >$$target.log 2>&1 || \
	  { tail -n 40 $$target.log; exit 1; }; done; echo "nothing found"

layers: ; @tests/layers
format: ; clang-format -i $(shell git ls-files '*.c' '*.h' | grep -v firmware/soap/)
clean: ; rm -rf build

install: $(programs) $(manuals)
	install -D -t $(DESTDIR)$(PREFIX)/sbin $(OUT)/site-server/amt-site-server $(OUT)/service-point/amt-service-point $(OUT)/client-agent/amt-client-agent
	install -D -t $(DESTDIR)$(PREFIX)/bin $(OUT)/site-server/amtctl
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/systemd/system deploy/systemd/*
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/sysusers.d deploy/sysusers.d/*
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/tmpfiles.d deploy/tmpfiles.d/*
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/udev/rules.d deploy/udev/*
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/amt-site-server deploy/prometheus/*.rules.yml
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man1 $(filter %.1,$(manuals))
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man8 $(filter %.8,$(manuals))
	gzip -9nf $(addprefix $(DESTDIR)$(PREFIX)/share/man/man1/,$(notdir $(filter %.1,$(manuals)))) $(addprefix $(DESTDIR)$(PREFIX)/share/man/man8/,$(notdir $(filter %.8,$(manuals))))
	install -d $(DESTDIR)/etc/amt-site-server $(DESTDIR)/etc/amt-service-point $(DESTDIR)/etc/amt-client-agent
	$(OUT)/site-server/amt-site-server --sample-config >$(DESTDIR)/etc/amt-site-server/site-server.conf.sample
	$(OUT)/service-point/amt-service-point --sample-config >$(DESTDIR)/etc/amt-service-point/service-point.conf.sample
	$(OUT)/client-agent/amt-client-agent --sample-config >$(DESTDIR)/etc/amt-client-agent/client-agent.conf.sample

# Debian packages of all programs, in $(OUT)/packages.
deb: ; @deploy/install-dependencies build deb
	$(again) deb-built
deb-built: $(programs) $(manuals)
	@rm -rf $(OUT)/packages && mkdir -p $(OUT)/packages
	@$(MAKE) --no-print-directory install DESTDIR=$(OUT)/packages/stage PREFIX=/usr >/dev/null
	@deploy/make-packages $$(sed -n 's/.*PRODUCT_VERSION "\(.*\)"/\1/p' common/version.h) $(OUT)/packages/stage $(OUT)/packages
	@rm -rf $(OUT)/packages/stage

-include $(shell find $(OUT) -path '*/tests/previous' -prune -o -name '*.d' -type f -print 2>/dev/null)
.SECONDARY:
.DELETE_ON_ERROR:
